#!lua
-- Takes notifications into the inbox, each occurrence once. Of two about the same one the version written first counts while it waits.
-- KEYS inbox, inbox-due, then seen:<event> for each. ARGV most, seen for (ms), then n, id, due, version, body for each.
local room = tonumber(ARGV[1]) - redis.call('HLEN', KEYS[1])
if #KEYS - 2 > room then
  for i = 3, #KEYS do
    room = room - 1 + redis.call('HEXISTS', KEYS[i], ARGV[3 + (i - 3) * 5])
  end
  if room < 0 then
    return {-1}
  end
end
local function earlier(a, b)
  if #a ~= #b then
    return #a < #b
  end
  return a < b
end
local fresh = {}
for i = 3, #KEYS do
  local at = 3 + (i - 3) * 5
  local n, id, due, version, body = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local seen = redis.call('HGET', KEYS[i], n)
  if not seen then
    redis.call('HSET', KEYS[i], n, 'v' .. version)
    redis.call('HSET', KEYS[1], id, body)
    redis.call('ZADD', KEYS[2], due, id)
    fresh[#fresh + 1] = 1
  else
    if string.sub(seen, 1, 1) == 'v' and earlier(version, string.sub(seen, 2)) then
      redis.call('HSET', KEYS[i], n, 'v' .. version)
      redis.call('HSET', KEYS[1], id, body)
      redis.call('ZADD', KEYS[2], due, id)
    end
    fresh[#fresh + 1] = 0
  end
  redis.call('PEXPIRE', KEYS[i], ARGV[2])
end
return fresh
