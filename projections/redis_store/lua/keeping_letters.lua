-- Dead letters: one an event however often it comes, the oldest giving way over a limit.

local TYPES = {'order', 'customer', 'product'}

local function letter_id(letter)
  return string.format('%s:%s@%.0f.%.0f', TYPES[letter[1]], letter[2], letter[3], letter[4])
end

local function remove_letters(ids)
  each_chunk(ids, function(...)
    redis.call('HDEL', LETTERS, ...)
    redis.call('HDEL', LETTERS_RAW, ...)
    redis.call('ZREM', LETTERS_ORDER, ...)
  end)
end

local function keep_letters(partition, cursor, now_s, limit)
  local newest = redis.call('ZRANGE', LETTERS_ORDER, -1, -1, 'WITHSCORES')
  local serial = tonumber(newest[2] or 0)
  for _, letter in ipairs(parked) do
    if is_suspect(letter[1], letter[2]) then
      local id = letter_id(letter)
      local type, key_id, epoch, number, reason, raw = unpack(letter)
      local kept = cmsgpack.pack({type, key_id, epoch, number, reason, partition, cursor, now_s})
      if redis.call('HSETNX', LETTERS, id, kept) == 1 then
        serial = serial + 1
        redis.call('HSET', LETTERS_RAW, id, raw)
        redis.call('ZADD', LETTERS_ORDER, string.format('%.0f', serial), id)
      end
    end
  end
  local excess = redis.call('ZCARD', LETTERS_ORDER) - limit
  if excess > 0 then
    remove_letters(redis.call('ZRANGE', LETTERS_ORDER, 0, excess - 1))
  end
end
