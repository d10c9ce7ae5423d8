-- Decides whether an entry's run is to be sent now, and by whom; times are milliseconds of the server's clock.
-- KEYS: hash of entry -> JSON {claim, last, pending, by, finished, left_out, before}: `left_out` are the turns in a
--       row that were left out since the last claim, `before` those before it
-- ARGV: entry, token of this attempt, least time between two runs, time of the last run in case the entry is
--       not known here ('' if none), runs that have finished (-1 where they do not matter), age from which a
--       claim without a sent message is taken over, whether its last message still waits in the queue (1 or 0):
--       then this turn is left out, so that all that wait get theirs in the order in which they came,
--       and for an entry whose next turn is not just one period after the last: when that is ('' else, 'none'
--       where it is not known yet), and until when it may be claimed at the latest ('' if at any time)
-- Answers {send (1 or 0), claim, last, wait until something is due}. The same attempt made twice gets the same
-- answer, so it may be repeated when an answer was lost.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local name, token = ARGV[1], ARGV[2]
local every, finished, resend = tonumber(ARGV[3]), tonumber(ARGV[5]), tonumber(ARGV[6])
local waits, turn, latest = ARGV[7] == '1', ARGV[8], tonumber(ARGV[9])

local text = redis.call('HGET', KEYS[1], name)
local state = text and cjson.decode(text)
    or {claim = 0, last = tonumber(ARGV[4]) or 0, pending = 0, by = '', finished = -1}

local function keep()
    redis.call('HSET', KEYS[1], name, cjson.encode(state))
end

-- An entry that never ran, and runs at times of its own, is known from now on.
if turn ~= '' and state.last == 0 then
    state.last = now
    keep()
end
-- The clock was set back: the next run is one period away, not a year.
if state.last > now then
    state.last = now
    keep()
end

local at = state.last + every
if turn ~= '' then
    -- The turn was found for another last run than the one that is known here: it has to be found again.
    if turn == 'none' or state.last ~= tonumber(ARGV[4]) then
        if state.pending > 0 and (state.by == token or now - state.pending >= resend) then
            state.pending, state.by = now, token
            keep()
            return {1, state.claim, state.last, 0}
        end
        return {0, state.claim, state.last, 0}
    end
    at = tonumber(turn)
    if latest and now > latest then
        state.last = now
        keep()
        return {0, state.claim, state.last, 0}
    end
end

local late = now >= at
local due = late
if state.claim > 0 and finished > state.finished then
    due = true
end
if due and waits then
    if late then
        state.left_out = (state.left_out or 0) + 1
        state.last = now
        keep()
    end
    return {0, state.claim, state.last, every}
end
if due then
    state.before, state.left_out = state.left_out or 0, 0
    -- Larger than any before, also when this data was lost: the id of the message is made of it.
    state.claim = math.max(state.claim + 1, now)
    state.last, state.pending, state.by, state.finished = now, now, token, finished
    keep()
    return {1, state.claim, state.last, every}
end

local wait = at - now
if state.pending > 0 then
    if state.by == token or now - state.pending >= resend then
        state.pending, state.by = now, token
        keep()
        return {1, state.claim, state.last, wait}
    end
    wait = math.min(wait, math.max(state.pending + resend - now, 0))
end
return {0, state.claim, state.last, wait}
