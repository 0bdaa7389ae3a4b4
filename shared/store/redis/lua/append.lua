#!lua
-- Takes notifications into the inbox, each occurrence once. Of two about the same one the version written first counts while it waits.
-- KEYS inbox, inbox-due, then for each entry seen:<event>
-- ARGV max in the inbox, ttl of seen (ms), then for each entry n, id, due (event time), version, body
-- Returns for each entry 1 when it is new, else 0; or -1 alone when the inbox is full: then nothing was taken
local inbox, inbox_due = KEYS[1], KEYS[2]
local max, ttl = tonumber(ARGV[1]), ARGV[2]

local function place(i)
  return 3 + (i - 3) * 5
end
local room = max - redis.call('HLEN', inbox)
if #KEYS - 2 > room then
  for i = 3, #KEYS do
    local seen = KEYS[i]
    room = room - 1 + redis.call('HEXISTS', seen, ARGV[place(i)])
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
  local seen = KEYS[i]
  local at = place(i)
  local n, id, due, version, body = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  -- 'v' and a version while it waits, '1' once it is routed
  local known = redis.call('HGET', seen, n)
  if not known or (string.sub(known, 1, 1) == 'v' and earlier(version, string.sub(known, 2))) then
    redis.call('HSET', seen, n, 'v' .. version)
    redis.call('HSET', inbox, id, body)
    redis.call('ZADD', inbox_due, due, id)
  end
  fresh[#fresh + 1] = known and 0 or 1
  redis.call('PEXPIRE', seen, ttl)
end
return fresh
