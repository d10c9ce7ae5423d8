-- Takes the note of a message away that a worker has taken; another one of the same task stays.
-- KEYS: hash of task -> JSON {message, number, at}, and of the empty name -> JSON {sent, taken}
-- ARGV: task, id of the message, the empty name
local text = redis.call('HGET', KEYS[1], ARGV[1])
local note = text and cjson.decode(text)
if not note or note.message ~= ARGV[2] then
    return
end
redis.call('HDEL', KEYS[1], ARGV[1])
local told = redis.call('HGET', KEYS[1], ARGV[3])
local state = told and cjson.decode(told) or {sent = note.number, taken = 0}
state.taken = math.max(state.taken, note.number)
redis.call('HSET', KEYS[1], ARGV[3], cjson.encode(state))
