#!lua
-- Which occurrences were never appended; the memory of the others is renewed.
-- KEYS for each occurrence seen:<event>
-- ARGV ttl of seen (ms), then for each occurrence n
-- Returns for each 1 when it was never appended, else 0
local ttl = ARGV[1]

local unseen = {}
for i = 1, #KEYS do
  local seen = KEYS[i]
  local n = ARGV[i + 1]
  if redis.call('HEXISTS', seen, n) == 1 then
    redis.call('PEXPIRE', seen, ttl)
    unseen[i] = 0
  else
    unseen[i] = 1
  end
end
return unseen
