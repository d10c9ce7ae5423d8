-- Read who holds a node.
-- KEYS: lock hash    Answer: JSON of the session with `live`, or '' when the node is free

local flat = redis.call('HGETALL', KEYS[1])
if #flat == 0 then return '' end
local held = {}
for i = 1, #flat, 2 do held[flat[i]] = flat[i + 1] end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
held.abandoned = nil
held.live = now - tonumber(held.beat) <= tonumber(held.lease) and '1' or '0'
return cjson.encode(held)
