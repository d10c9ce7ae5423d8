-- Take a node for a session.
-- KEYS: lock hash, fence counter, history list
-- ARGV: session, node, owner, host, pid, lease in ms, history length, history searched (0 for an id that is new),
--       last fence that is known
-- Answer: {'granted', fence, JSON of the abandoned session or ''} | {'busy', JSON of the holder} | {'ended'}

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stamp = string.format('%.0f', now)

local held = {}
local flat = redis.call('HGETALL', KEYS[1])
for i = 1, #flat, 2 do held[flat[i]] = flat[i + 1] end

if held.session == ARGV[1] and held.owner == ARGV[3] then
  -- The same claim again: its answer was lost on the way.
  redis.call('HSET', KEYS[1], 'beat', stamp)
  return {'granted', held.fence, held.abandoned or ''}
end

local searched = tonumber(ARGV[8])
if searched > 0 then
  for _, past in ipairs(redis.call('LRANGE', KEYS[3], 0, searched - 1)) do
    -- Only what names it is worth decoding.
    if string.find(past, ARGV[1], 1, true) and cjson.decode(past).session == ARGV[1] then return {'ended'} end
  end
end

local abandoned = ''
if held.session then
  held.abandoned = nil
  local beat = tonumber(held.beat)
  if beat > now then
    -- The clock was set back, so the age of this beat is unknown: give the session one lease from here.
    redis.call('HSET', KEYS[1], 'beat', stamp)
    beat = now
  end
  if now - beat <= tonumber(held.lease) then
    held.live = '1'
    return {'busy', cjson.encode(held)}
  end
  held.status = 'abandoned'
  held.ended = stamp
  abandoned = cjson.encode(held)
  redis.call('LPUSH', KEYS[3], abandoned)
  redis.call('LTRIM', KEYS[3], 0, tonumber(ARGV[7]) - 1)
end

-- At least the clock, so that the fence still grows after the counter was lost.
local fence = math.max(now, tonumber(ARGV[9]) + 1)
local counter = tonumber(redis.call('SET', KEYS[2], string.format('%.0f', fence), 'GET') or '0')
if counter >= fence then
  fence = counter + 1
  redis.call('SET', KEYS[2], string.format('%.0f', fence))
end
fence = string.format('%.0f', fence)
if held.session then redis.call('DEL', KEYS[1]) end
-- No expiry: the record of a dead session must stay for the one that takes over.
redis.call('HSET', KEYS[1], 'session', ARGV[1], 'node', ARGV[2], 'owner', ARGV[3], 'host', ARGV[4],
  'pid', ARGV[5], 'lease', ARGV[6], 'fence', fence, 'phase', '', 'started', stamp, 'beat', stamp)
if abandoned ~= '' then redis.call('HSET', KEYS[1], 'abandoned', abandoned) end
return {'granted', fence, abandoned}
