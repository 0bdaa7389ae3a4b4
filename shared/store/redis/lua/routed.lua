#!lua flags=allow-oom
-- Takes out of the inbox what has reached its domain. KEYS inbox, inbox-due, inbox-lease, pinned, then seen:<event> for each.
-- ARGV token, release (0 or 1), then id, n for each.
if redis.call('GET', KEYS[3]) ~= ARGV[1] then
  return 0
end
for i = 5, #KEYS do
  local at = 3 + (i - 5) * 2
  local id, n = ARGV[at], ARGV[at + 1]
  redis.call('HDEL', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
  redis.call('HDEL', KEYS[4], id)
  if redis.call('EXISTS', KEYS[i]) == 1 then
    redis.call('HSET', KEYS[i], n, '1')
  end
end
if ARGV[2] == '1' then
  redis.call('DEL', KEYS[3])
end
return 1
