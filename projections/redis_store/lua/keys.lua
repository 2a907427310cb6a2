-- Names of keys, and the generation of each source this script works on.
-- KEYS[1] is the hash of active generations; every other key carries its hash tag, so all of them
-- lie on one node and the generation can be looked up where it is used.

local ROOT = string.match(KEYS[1], '^(.+):generations$')
local SOURCES = {'orders', 'customers', 'products'} -- the sources of the types 1, 2 and 3
local CHUNK = 1000 -- arguments of one call: Lua's stack holds a few thousand

local generation = {}

local function active_generations()
  local found = redis.call('HMGET', KEYS[1], unpack(SOURCES))
  local active = {}
  for at, source in ipairs(SOURCES) do
    active[source] = tonumber(found[at] or 1)
  end
  return active
end

local function key_in(source, number, part)
  return string.format('%s:%d:%s:%s', ROOT, number, source, part)
end

local function keys_in(source, number)
  return {
    key_in(source, number, 'rows'),
    key_in(source, number, 'suspects'),
    key_in(source, number, 'positions'),
    key_in(source, number, 'listing'),
  }
end

local function key_of(source, part)
  return key_in(source, generation[source], part)
end

-- Work on the active generations, except those that `target` names. False when one of these is not
-- the one being built: it has become the active one, or was given up.
local function work_on(target)
  generation = active_generations()
  for source, number in pairs(target or {}) do
    if number ~= generation[source] + 1 then return false end
    generation[source] = number
  end
  return true
end

local LETTERS = ROOT .. ':letters'
local LETTERS_RAW = ROOT .. ':letters:raw'
local LETTERS_ORDER = ROOT .. ':letters:order'
local INCARNATION = ROOT .. ':incarnation'
local SEQUENCE = ROOT .. ':sequence'
local NEWS = ROOT .. ':news'

-- While a cluster moves our slot, a script may fail at any key that has gone ahead: here rather
-- than half way through its writes.
local function touch_all_keys()
  local keys = {LETTERS, LETTERS_RAW, LETTERS_ORDER, INCARNATION, SEQUENCE}
  for _, source in ipairs(SOURCES) do
    for _, key in ipairs(keys_in(source, generation[source])) do
      keys[#keys + 1] = key
    end
  end
  redis.call('EXISTS', unpack(keys))
end

local function each_chunk(items, call)
  for from = 1, #items, CHUNK do
    call(unpack(items, from, math.min(from + CHUNK - 1, #items)))
  end
end
