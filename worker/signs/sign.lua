-- Enters a sign of life; the time of it is the server's.
-- KEYS: hash of id -> "milliseconds JSON" of all processes of a kind, key of the tasks that this one has read
-- ARGV: id, JSON, seconds for which the hash is kept after the last sign, seconds of silence after which other
--       processes are forgotten (0: none now), seconds for which the tasks are kept after the last sign
-- Answers whether the tasks are known (1 or 0).
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now) .. ' ' .. ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
local silent = tonumber(ARGV[4]) * 1000
if silent > 0 then
    local all = redis.call('HGETALL', KEYS[1])
    for place = 1, #all, 2 do
        local seen = tonumber(string.match(all[place + 1], '^(%d+) ') or '0')
        if seen < now - silent then
            redis.call('HDEL', KEYS[1], all[place])
        end
    end
end
return redis.call('EXPIRE', KEYS[2], ARGV[5])
