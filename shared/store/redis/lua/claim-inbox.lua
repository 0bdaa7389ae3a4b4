#!lua flags=allow-oom
-- Claims due items of the inbox for the one worker that holds the shard's lease, which is prolonged where there are any.
-- KEYS inbox, inbox-due, inbox-lease
-- ARGV token, now (event time), lease (ms), max, then prefixes of ids to skip
-- Returns for each item id and body, in the order of due; false when another worker holds the lease
local inbox, inbox_due, inbox_lease = KEYS[1], KEYS[2], KEYS[3]
local token, now, lease, max = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])

local holder = redis.call('GET', inbox_lease)
if holder and holder ~= token then
  return false
end
local function is_skipped(id)
  for i = 5, #ARGV do
    if string.sub(id, 1, #ARGV[i]) == ARGV[i] then
      return true
    end
  end
  return false
end
local items = {}
local from = 0
repeat
  local page = redis.call('ZRANGEBYSCORE', inbox_due, '-inf', now, 'LIMIT', from, max)
  for _, id in ipairs(page) do
    if #items < 2 * max and not is_skipped(id) then
      items[#items + 1] = id
      items[#items + 1] = redis.call('HGET', inbox, id) or ''
    end
  end
  from = from + #page
until #page < max or #items >= 2 * max
if #items > 0 then
  redis.call('SET', inbox_lease, token, 'PX', lease)
end
return items
