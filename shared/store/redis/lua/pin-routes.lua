#!lua flags=allow-oom
-- Sets the route of each occurrence once, and which occurrence of its Event was routed first.
-- Answers for each the route and the first ('n route'), nil where they are those proposed.
-- KEYS inbox-lease, pinned, then seen:<event> for each. ARGV token, seen for (ms), then id, n, route for each.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return false
end
local answers = {}
for i = 3, #KEYS do
  local at = 3 + (i - 3) * 3
  local id, n, route = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local pinned = redis.call('HGET', KEYS[2], id)
  if not pinned then
    redis.call('HSET', KEYS[2], id, route)
    pinned = route
  end
  local first = redis.call('HGET', KEYS[i], 'first')
  if not first then
    first = n .. ' ' .. (n == '1' and '' or pinned)
    redis.call('HSET', KEYS[i], 'first', first)
    redis.call('PEXPIRE', KEYS[i], ARGV[2])
  end
  local answer = #answers
  answers[answer + 1] = pinned ~= route and pinned
  answers[answer + 2] = string.sub(first, 1, #n + 1) ~= n .. ' ' and first
end
return answers
