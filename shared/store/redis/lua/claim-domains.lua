#!lua flags=allow-oom
-- Claims due domains without a lease, each with a lease and a new fencing number. Domains whose lease has expired are due at once.
-- KEYS due, leases, fences, fence
-- ARGV clock (ms), now (event time), lease (ms), max, then prefixes of domains to skip
-- Returns for each domain its name and fencing number
local due, leases, fences, last_fence = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local clock, now, lease, max = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

for _, domain in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', clock)) do
  redis.call('ZREM', leases, domain)
  redis.call('ZADD', due, 'LT', 0, domain)
end
local function is_free(domain)
  for i = 5, #ARGV do
    if string.sub(domain, 1, #ARGV[i]) == ARGV[i] then
      return false
    end
  end
  return not redis.call('ZSCORE', leases, domain)
end
local free = {}
local from, page_size = 0, max + 100
repeat
  local page = redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', from, page_size)
  for _, domain in ipairs(page) do
    if #free < max and is_free(domain) then
      free[#free + 1] = domain
    end
  end
  from = from + #page
until #page < page_size or #free >= max
local claimed = {}
for _, domain in ipairs(free) do
  local fence = redis.call('INCR', last_fence)
  redis.call('ZREM', due, domain)
  redis.call('ZADD', leases, clock + lease, domain)
  redis.call('HSET', fences, domain, fence)
  claimed[#claimed + 1] = domain
  claimed[#claimed + 1] = fence
end
return claimed
