-- Notes that a message is about to be sent, with a number that is larger than that of any before.
-- KEYS: hash of task -> JSON {message, number, at}, and of the empty name -> JSON {sent, taken}
-- ARGV: task, id of the message, the empty name
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local text = redis.call('HGET', KEYS[1], ARGV[3])
local state = text and cjson.decode(text) or {sent = 0, taken = 0}
state.sent = state.sent + 1
redis.call('HSET', KEYS[1], ARGV[3], cjson.encode(state))
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode({message = ARGV[2], number = state.sent, at = now}))
