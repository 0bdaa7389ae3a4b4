#!lua flags=allow-oom
-- Changes when an item of a delivery queue is due, if it is still there.
-- KEYS due
-- ARGV id, until (ms)
-- Returns the number of added items: 0
local due = KEYS[1]
local id, till = ARGV[1], ARGV[2]

return redis.call('ZADD', due, 'XX', till, id)
