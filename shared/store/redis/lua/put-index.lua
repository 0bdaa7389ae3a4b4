#!lua flags=allow-oom
-- Adds members under their keys; of the same member the lower score stays; of too many the highest scores stay.
-- KEYS one for each entry. ARGV keep for (ms), most, then score, member for each.
for i = 1, #KEYS do
  local at = 3 + (i - 1) * 2
  redis.call('ZADD', KEYS[i], 'LT', ARGV[at], ARGV[at + 1])
  redis.call('ZREMRANGEBYRANK', KEYS[i], 0, -tonumber(ARGV[2]) - 1)
  redis.call('PEXPIRE', KEYS[i], ARGV[1])
end
return 1
