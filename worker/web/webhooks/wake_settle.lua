-- Settles what was taken: it was sent, it is to be looked at later, or it is not wanted any more. Events that came
-- since it was taken stand.
-- KEYS: sorted set task -> when to wake it, hash task -> JSON {message, until} of its last wake-up,
--       hash task -> its first event
-- ARGV: task, end of the lease under which it was taken, 'sent', 'later' or 'drop',
--       'sent': the message; 'later': milliseconds until then; 'sent': milliseconds until the message is void
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local task = ARGV[1]
local unchanged = tonumber(redis.call('ZSCORE', KEYS[1], task)) == tonumber(ARGV[2])
if ARGV[3] == 'later' then
    if unchanged then
        redis.call('ZADD', KEYS[1], now + tonumber(ARGV[4]), task)
    end
    return 1
end
if ARGV[3] == 'sent' then
    redis.call('HSET', KEYS[2], task, cjson.encode({message = ARGV[4], ['until'] = now + tonumber(ARGV[5])}))
end
if unchanged then
    redis.call('ZREM', KEYS[1], task)
    redis.call('HDEL', KEYS[3], task)
else
    redis.call('HSET', KEYS[3], task, now)
end
return 1
