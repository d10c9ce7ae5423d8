-- Renew the lease of a session and note its phase.
-- KEYS: lock hash    ARGV: session, owner, phase    Answer: 1, or 0 when the session does not hold the node

local held = redis.call('HMGET', KEYS[1], 'session', 'owner')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'beat', string.format('%.0f', now), 'phase', ARGV[3])
return 1
