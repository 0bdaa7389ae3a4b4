#!lua flags=allow-oom
-- Pins the route of each occurrence, and which occurrence of its Event was routed first: both are set once.
-- KEYS inbox-lease, pinned, then for each proposal seen:<event>
-- ARGV token, ttl of seen (ms), then for each proposal id, n, route
-- Returns for each the route and the first ('n route'), nil where they are as proposed; false when the lease is lost
local inbox_lease, pinned_routes = KEYS[1], KEYS[2]
local token, ttl = ARGV[1], ARGV[2]

if redis.call('GET', inbox_lease) ~= token then
  return false
end
local answers = {}
for i = 3, #KEYS do
  local seen = KEYS[i]
  local at = 3 + (i - 3) * 3
  local id, n, route = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local pinned = redis.call('HGET', pinned_routes, id)
  if not pinned then
    redis.call('HSET', pinned_routes, id, route)
    pinned = route
  end
  local first = redis.call('HGET', seen, 'first')
  if not first then
    first = n .. ' ' .. (n == '1' and '' or pinned)
    redis.call('HSET', seen, 'first', first)
    redis.call('PEXPIRE', seen, ttl)
  end
  local answer = #answers
  answers[answer + 1] = pinned ~= route and pinned
  answers[answer + 2] = string.sub(first, 1, #n + 1) ~= n .. ' ' and first
end
return answers
