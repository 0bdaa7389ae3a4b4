#!lua flags=allow-oom
-- KEYS due. ARGV id, until (ms).
return redis.call('ZADD', KEYS[1], 'XX', ARGV[2], ARGV[1])
