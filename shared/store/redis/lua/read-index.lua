#!lua flags=no-writes
-- Members and scores of each key. KEYS any of one shard.
local found = {}
for i = 1, #KEYS do
  found[i] = redis.call('ZRANGE', KEYS[i], 0, -1, 'WITHSCORES')
end
return found
