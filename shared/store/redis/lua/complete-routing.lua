#!lua flags=allow-oom
-- Removes routed items from the inbox, and ends the lease if the worker is done.
-- KEYS inbox, inbox-due, inbox-lease, pinned, then for each occurrence seen:<event>
-- ARGV token, whether to release the lease (0 or 1), then for each occurrence id, n
-- Returns 1, or 0 when the lease is lost: then nothing was changed
local inbox, inbox_due, inbox_lease, pinned_routes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local token, release = ARGV[1], ARGV[2]

if redis.call('GET', inbox_lease) ~= token then
  return 0
end
for i = 5, #KEYS do
  local seen = KEYS[i]
  local at = 3 + (i - 5) * 2
  local id, n = ARGV[at], ARGV[at + 1]
  redis.call('HDEL', inbox, id)
  redis.call('ZREM', inbox_due, id)
  redis.call('HDEL', pinned_routes, id)
  if redis.call('EXISTS', seen) == 1 then
    redis.call('HSET', seen, n, '1')
  end
end
if release == '1' then
  redis.call('DEL', inbox_lease)
end
return 1
