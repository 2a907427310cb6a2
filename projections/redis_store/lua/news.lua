-- One message a writing script, published after its writes: who reads on hearing it finds them.

local changed = {} -- of each type, the newest version by id
local customers = {} -- whose listings changed

local function tell_version(type, id, epoch, number)
  local of_type = changed[type]
  if not of_type then
    of_type = {}
    changed[type] = of_type
  end
  local told = of_type[id]
  if not told or is_newer(epoch, number, told[1], told[2]) then
    of_type[id] = {epoch, number}
  end
end

local function publish(new_incarnation, positions, voided)
  local incarnation = redis.call('GET', INCARNATION)
  if not incarnation then
    incarnation = new_incarnation
    redis.call('SET', INCARNATION, incarnation)
  end
  local versions, ids = {}, {}
  for type, of_type in pairs(changed) do
    for id, version in pairs(of_type) do
      versions[#versions + 1] = {type, id, version[1], version[2]}
    end
  end
  for id in pairs(customers) do
    ids[#ids + 1] = id
  end
  local sequence = redis.call('INCR', SEQUENCE)
  local message = {incarnation, sequence, versions, ids, positions, voided}
  redis.call('PUBLISH', NEWS, cmsgpack.pack(message))
end

local function has_news()
  return next(changed) ~= nil
end
