/** The scripts that keep the history of a topic in Redis. Each runs as one step: nothing comes between. */

import { createHash } from 'node:crypto';

/** A script, and the name that Redis has for it. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

/** What a reply of {@link APPEND} begins with if the message before is missing. */
export const MISSING_BEFORE = 'WS6455BEFORE';

/**
 * What is known of a topic is kept longer than its messages, in milliseconds: a server that was away so long
 * may repeat a message, and a client with the newest position has missed nothing.
 */
const KEEP = 3_600_000;

/** From so many fields on the publishers that are gone are removed. */
const MAX_FIELDS = 64;

/**
 * A topic has two keys. `meta` is a hash: `epoch`, `offset`, and for each publisher the sequence, the offset and
 * the time of its last message. `log` is a stream: the id of a message is its offset, the field `d` its bytes.
 */
const BEGIN = `
local meta, log = KEYS[1], KEYS[2]
local function begin(random)
  redis.call('DEL', log)
  local now = redis.call('TIME')
  return random .. '-' .. now[1] .. '-' .. now[2]
end
local function text(number) return string.format('%.0f', number) end
`;

/**
 * Keeps a message and publishes it with its position.
 * Arguments: publisher, sequence, the sequence before or 0, size, ttl, random, PUBLISH or SPUBLISH, channel, data.
 */
export const APPEND = script(`${BEGIN}
local publisher, sequence, before = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local ttl = tonumber(ARGV[5])
local found = redis.call('HMGET', meta, 'epoch', 'offset', publisher)
local epoch, offset, last = found[1], tonumber(found[2] or '0'), found[3]
local lastSequence, lastOffset = 0, 0
if last then
  lastSequence, lastOffset = string.match(last, '^(%d+):(%d+)')
  if sequence <= tonumber(lastSequence) then return { epoch, lastOffset } end
end
if before > tonumber(lastSequence) then
  return redis.error_reply('${MISSING_BEFORE} the message before is missing')
end
local time = tonumber(redis.call('TIME')[1])
if not epoch then
  epoch = begin(ARGV[6])
elseif not last and redis.call('HLEN', meta) > ${MAX_FIELDS} then
  local fields = redis.call('HGETALL', meta)
  for i = 1, #fields, 2 do
    local at = string.match(fields[i + 1], '^%d+:%d+:(%d+)$')
    if at and (time - tonumber(at)) * 1000 > ttl + ${KEEP} then redis.call('HDEL', meta, fields[i]) end
  end
end
local id = text(offset + 1)
redis.call('XADD', log, 'MAXLEN', ARGV[4], id .. '-0', 'd', ARGV[9])
redis.call('HSET', meta, 'epoch', epoch, 'offset', id, publisher, ARGV[2] .. ':' .. id .. ':' .. text(time))
redis.call('PEXPIRE', log, ARGV[5])
redis.call('PEXPIRE', meta, text(ttl + ${KEEP}))
redis.call(ARGV[7], ARGV[8], '\\1' .. epoch .. ':' .. id .. '\\n' .. ARGV[9])
return { epoch, id }
`);

/**
 * Reads the messages after a position: all of them, or none.
 * Arguments: epoch, offset, ttl, random. Answer: epoch, offset, whether they are all, the bytes of each.
 */
export const READ = script(`${BEGIN}
local from = tonumber(ARGV[2])
local found = redis.call('HMGET', meta, 'epoch', 'offset')
local epoch, offset = found[1], found[2]
if not epoch then
  epoch, offset = begin(ARGV[4]), '0'
  redis.call('HSET', meta, 'epoch', epoch, 'offset', offset)
end
local ttl = tonumber(ARGV[3]) + ${KEEP}
if redis.call('PTTL', meta) < ttl then redis.call('PEXPIRE', meta, text(ttl)) end
local count = tonumber(offset) - from
if ARGV[1] ~= epoch or count < 0 then return { epoch, offset, 0 } end
if count == 0 then return { epoch, offset, 1 } end
local first = text(from + 1) .. '-0'
local oldest = redis.call('XRANGE', log, first, '+', 'COUNT', 1)[1]
if not oldest or oldest[1] ~= first then return { epoch, offset, 0 } end
local messages = redis.call('XRANGE', log, first, '+')
if #messages ~= count then return { epoch, offset, 0 } end
local answer = { epoch, offset, 1 }
for i = 1, count do answer[i + 3] = messages[i][2][2] end
return answer
`);

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}
