-- End a session: its record goes to the history and the node is free.
-- KEYS: lock hash, history list
-- ARGV: session, owner, phase, status, result as JSON, history length, history searched
-- Answer: 1, or 0 when the session does not hold the node

local held = {}
local flat = redis.call('HGETALL', KEYS[1])
for i = 1, #flat, 2 do held[flat[i]] = flat[i + 1] end

if held.session ~= ARGV[1] or held.owner ~= ARGV[2] then
  for _, text in ipairs(redis.call('LRANGE', KEYS[2], 0, tonumber(ARGV[7]) - 1)) do
    local past = string.find(text, ARGV[1], 1, true) and cjson.decode(text)
    -- The same release again: its answer was lost on the way.
    if past and past.session == ARGV[1] and past.owner == ARGV[2] then
      return past.status ~= 'abandoned' and 1 or 0
    end
  end
  return 0
end

local time = redis.call('TIME')
held.abandoned = nil
held.phase = ARGV[3]
held.status = ARGV[4]
held.result = ARGV[5]
held.ended = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local length = tonumber(ARGV[6])
-- Ten at a time: readers take no more than the length.
if redis.call('LPUSH', KEYS[2], cjson.encode(held)) >= length + 10 then
  redis.call('LTRIM', KEYS[2], 0, length - 1)
end
redis.call('DEL', KEYS[1])
return 1
