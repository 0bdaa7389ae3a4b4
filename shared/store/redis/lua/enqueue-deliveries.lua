#!lua
-- KEYS bodies, due, since. ARGV most, due at (ms), then id, body for each.
if redis.call('HLEN', KEYS[1]) + (#ARGV - 2) / 2 > tonumber(ARGV[1]) then
  return 0
end
for i = 3, #ARGV, 2 do
  if redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1]) == 1 then
    redis.call('ZADD', KEYS[2], ARGV[2], ARGV[i])
    redis.call('ZADD', KEYS[3], ARGV[2], ARGV[i])
  end
end
return 1
