#!lua flags=allow-oom
-- Due domains that nobody holds, each with a lease and a new fencing number. KEYS due, leases, fences, fence.
-- ARGV clock (ms), now (event time), lease (ms), most.
for _, domain in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1])) do
  redis.call('ZREM', KEYS[2], domain)
  redis.call('ZADD', KEYS[1], 'LT', 0, domain)
end
local most = tonumber(ARGV[4])
local claimed = {}
local held = redis.call('ZCARD', KEYS[2])
for _, domain in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[2], 'LIMIT', 0, most + held)) do
  if #claimed < 2 * most and not redis.call('ZSCORE', KEYS[2], domain) then
    local fence = redis.call('INCR', KEYS[4])
    redis.call('ZREM', KEYS[1], domain)
    redis.call('ZADD', KEYS[2], tonumber(ARGV[1]) + tonumber(ARGV[3]), domain)
    redis.call('HSET', KEYS[3], domain, fence)
    claimed[#claimed + 1] = domain
    claimed[#claimed + 1] = fence
  end
end
return claimed
