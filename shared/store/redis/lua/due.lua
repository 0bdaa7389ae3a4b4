#!lua flags=no-writes
-- The earliest times in a shard.
-- KEYS inbox-due, due, leases, outbox-due
-- ARGV prefixes of inbox ids and domains to skip
-- Returns for each key its lowest score, '' where there is none
local leases, outbox_due = KEYS[3], KEYS[4]
local page_size = #ARGV == 0 and 1 or 100

local function is_skipped(id)
  for _, prefix in ipairs(ARGV) do
    if string.sub(id, 1, #prefix) == prefix then
      return true
    end
  end
  return false
end
local function earliest(position)
  local key = KEYS[position]
  local from = 0
  repeat
    local page = redis.call('ZRANGE', key, from, from + page_size - 1, 'WITHSCORES')
    for i = 1, #page, 2 do
      if not is_skipped(page[i]) then
        return page[i + 1]
      end
    end
    from = from + page_size
  until #page == 0
  return ''
end
return {
  earliest(1),
  earliest(2),
  redis.call('ZRANGE', leases, 0, 0, 'WITHSCORES')[2] or '',
  redis.call('ZRANGE', outbox_due, 0, 0, 'WITHSCORES')[2] or '',
}
