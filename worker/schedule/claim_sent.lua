-- Notes that the message of a claim is in the queue, unless there is a later claim by now.
-- KEYS: hash of entry -> JSON {claim, last, pending, by, finished, left_out, before}
-- ARGV: entry, claim
local text = redis.call('HGET', KEYS[1], ARGV[1])
if not text then
    return 0
end
local state = cjson.decode(text)
if state.claim ~= tonumber(ARGV[2]) then
    return 0
end
state.pending = 0
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(state))
return 1
