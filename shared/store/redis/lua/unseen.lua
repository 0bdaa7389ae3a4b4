#!lua
-- Which occurrences were never appended; the others are remembered for as long again. KEYS seen:<event> for each. ARGV seen for (ms), n for each.
local unseen = {}
for i = 1, #KEYS do
  if redis.call('HEXISTS', KEYS[i], ARGV[i + 1]) == 1 then
    redis.call('PEXPIRE', KEYS[i], ARGV[1])
    unseen[i] = 0
  else
    unseen[i] = 1
  end
end
return unseen
