#!lua flags=allow-oom
-- KEYS the name. ARGV value, keep for (ms, '' for good).
local known = redis.call('GET', KEYS[1])
if known then
  return known
end
if ARGV[2] == '' then
  redis.call('SET', KEYS[1], ARGV[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return ARGV[1]
