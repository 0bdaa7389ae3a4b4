#!lua flags=no-writes
-- Reads keys of the index.
-- KEYS for each index:<key>
-- Returns for each the list of its members and scores, the lowest score first
local found = {}
for i = 1, #KEYS do
  local key = KEYS[i]
  found[i] = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
end
return found
