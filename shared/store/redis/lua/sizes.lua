#!lua flags=no-writes
-- How much a shard holds. KEYS inbox, held, due, leases, outbox, outbox-since.
local oldest = redis.call('ZRANGE', KEYS[6], 0, 0, 'WITHSCORES')
return {
  redis.call('HLEN', KEYS[1]),
  tonumber(redis.call('GET', KEYS[2]) or '0'),
  redis.call('ZCARD', KEYS[3]) + redis.call('ZCARD', KEYS[4]) - redis.call('ZINTERCARD', 2, KEYS[3], KEYS[4]),
  redis.call('HLEN', KEYS[5]),
  oldest[2] or '',
}
