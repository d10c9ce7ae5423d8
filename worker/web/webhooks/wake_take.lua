-- Takes the task that is to be woken first, if it is time; nobody else gets it until the lease has run out.
-- KEYS: sorted set task -> when to wake it, hash task -> JSON {message, until} of its last wake-up
-- ARGV: lease in milliseconds
-- Answers {task, JSON of a wake-up that is not void yet or '', end of the lease}, or {'', '', milliseconds until
-- one is due, -1 when there is none}.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if #first == 0 then
    return {'', '', -1}
end
local task, due = first[1], tonumber(first[2])
if due > now then
    return {'', '', due - now}
end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[1]), task)
local sent = redis.call('HGET', KEYS[2], task)
if sent and cjson.decode(sent)['until'] <= now then
    sent = false
end
return {task, sent or '', now + tonumber(ARGV[1])}
