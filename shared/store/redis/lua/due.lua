#!lua flags=no-writes
-- The earliest times in a shard; '' where there is nothing. KEYS inbox-due, due, leases, outbox-due.
local earliest = {}
for i = 1, #KEYS do
  local first = redis.call('ZRANGE', KEYS[i], 0, 0, 'WITHSCORES')
  earliest[i] = first[2] or ''
end
return earliest
