-- Notes an event once, and when the tasks that it concerns are to be woken: after a quiet time, which further
-- events prolong, and after the longest wait in any case. Times are milliseconds of the server's clock.
-- KEYS: mark of the event, sorted set task -> when to wake it, hash task -> its first event
-- ARGV: seconds for which the event is known, quiet time, longest wait, then the tasks
-- Answers 0 for an event that is known, else 1.
if not redis.call('SET', KEYS[1], 1, 'NX', 'EX', ARGV[1]) then
    return 0
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
for i = 4, #ARGV do
    local first = tonumber(redis.call('HGET', KEYS[3], ARGV[i]))
    if not first or first > now then
        first = now
        redis.call('HSET', KEYS[3], ARGV[i], now)
    end
    local last = math.max(first + tonumber(ARGV[3]), now)
    redis.call('ZADD', KEYS[2], math.min(now + tonumber(ARGV[2]), last), ARGV[i])
end
return 1
