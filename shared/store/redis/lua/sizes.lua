#!lua flags=no-writes
-- The sizes of a shard.
-- KEYS inbox, undecided, due, leases, outbox, outbox-since
-- Returns items in the inbox, undecided observations, domains that are due or claimed, segments in the outbox, since when the oldest of
--   them is there (ms; '' for none)
local inbox, undecided, due, leases, outbox, outbox_since = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]

local oldest = redis.call('ZRANGE', outbox_since, 0, 0, 'WITHSCORES')
return {
  redis.call('HLEN', inbox),
  tonumber(redis.call('GET', undecided) or '0'),
  redis.call('ZCARD', due) + redis.call('ZCARD', leases) - redis.call('ZINTERCARD', 2, due, leases),
  redis.call('HLEN', outbox),
  oldest[2] or '',
}
