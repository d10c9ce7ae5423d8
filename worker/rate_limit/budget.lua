-- One budget of requests: slots at even distances, handed out in the order in which they are asked for, and
-- pauses that shut all of them. Times are microseconds of the server's clock.
-- KEYS: state of the budget, its sharers, names of all budgets, beginning of the keys that count its use
-- ARGV: 'draw' or 'pause', name, time between two slots, slots that may be used at once after a quiet time,
--       length of a pause ('draw': what is left of the pause that the caller knows of), sharer, spender,
--       epoch and slot of the ticket that the caller has ('' if none), how long it has waited so far,
--       the time ('' for the server's clock; tests bring their own)
-- Answers {whether the request may be sent now, how long to wait otherwise, epoch, slot, what is left of a
-- pause, number of sharers}. Epoch and slot are a ticket to come back with after the wait.
-- Made twice, 'draw' takes two slots, of which one stays unused: never more requests than the budget has.
local STATE_EXPIRES, USE_EXPIRES = 86400, 7200
-- Sharers are forgotten after so long without a request.
local SHARER_LEAVES = 300e6
-- A ticket is void so long after its slot: whoever was frozen must not come on top of the others.
local TICKET_EXPIRES = 2e6
-- A caller's notion of a pause is only news if it is longer by so much: its clock is not this one.
local NEWS = 1e5

local operation, name, interval, burst = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local pause, sharer, spender = tonumber(ARGV[5]), ARGV[6], ARGV[7]
local tolerance = interval * (burst - 1)

local now = tonumber(ARGV[11])
if not now then
    local time = redis.call('TIME')
    now = tonumber(time[1]) * 1e6 + tonumber(time[2])
end

local kept = redis.call('HMGET', KEYS[1], 'next', 'paused', 'epoch', 'now')
-- After a quiet time of unknown length nothing is saved up, and no ticket from before holds.
local next_slot = tonumber(kept[1]) or now + tolerance
local paused = tonumber(kept[2]) or 0
local epoch = tonumber(kept[3]) or now
local last = tonumber(kept[4]) or now

-- The clock was set back: everything keeps its distance from now.
if last > now then
    next_slot, paused, epoch = next_slot - (last - now), paused - (last - now), epoch + 1
end

local news = operation == 'pause' and 0 or NEWS
if pause > 0 and now + pause > math.max(paused, now) + news then
    paused, epoch = now + pause, epoch + 1
    -- All tickets are void, so the slots begin anew; after a pause nothing is saved up.
    next_slot = paused + tolerance
    if operation == 'pause' then
        redis.call('HINCRBY', KEYS[1], 'pauses', 1)
    end
end

local function keep()
    redis.call('HSET', KEYS[1], 'next', next_slot, 'paused', paused, 'epoch', epoch, 'now', now,
        'interval', interval)
    redis.call('EXPIRE', KEYS[1], STATE_EXPIRES)
    redis.call('SADD', KEYS[3], name)
end

if operation == 'pause' then
    keep()
    return {0, 0, epoch, 0, math.max(paused - now, 0), 0}
end

redis.call('ZADD', KEYS[2], now, sharer)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - SHARER_LEAVES)
redis.call('EXPIRE', KEYS[2], STATE_EXPIRES)

local slot = ARGV[8] ~= '' and tonumber(ARGV[8]) == epoch and tonumber(ARGV[9])
if not slot or now - slot > TICKET_EXPIRES then
    next_slot = math.max(next_slot, now)
    slot = math.max(next_slot - tolerance, now, paused)
    next_slot = next_slot + interval
end
keep()

local granted = slot <= now and 1 or 0
if granted == 1 then
    local use = KEYS[4] .. math.floor(now / 60e6)
    redis.call('HINCRBY', use, 'requests:' .. spender, 1)
    redis.call('HINCRBY', use, 'waited:' .. spender, ARGV[10])
    redis.call('EXPIRE', use, USE_EXPIRES)
end
return {granted, math.max(slot - now, 0), epoch, slot, math.max(paused - now, 0), redis.call('ZCARD', KEYS[2])}
