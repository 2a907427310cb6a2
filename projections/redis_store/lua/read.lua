-- Walk from the roots of many reads through the rows, as projections/selection.py does. ARGV[1]:
-- target, reads; a read is a list of roots: kind, id, selection.
-- order selection: customer selection (or false), has products
-- customer selection: pages; page: its number, how many, status, after (or false), order selection
--
-- Answers with the distinct rows (types as one letter each, ids, values), which of them are suspect,
-- and for each read which rows and pages are its own; then positions, sequence and incarnation.

local target, reads = unpack(cmsgpack.unpack(ARGV[1]))

if not work_on(target) then return false end

local kinds, ids, values = {}, {}, {}
local slots = {{}, {}, {}} -- of each type, by id: the number of its row
local headers = {} -- of orders, by the number of the row
local LETTER = {'o', 'c', 'p'}

local own_rows, own_pages -- of the read that is walked now
local is_own, visited

local function want(type, id)
  local slot = slots[type][id]
  if not slot then
    slot = #ids + 1
    slots[type][id] = slot
    kinds[slot], ids[slot] = LETTER[type], id
    values[slot] = redis.call('HGET', key_of(SOURCES[type], 'rows'), id)
  end
  if not is_own[slot] then
    is_own[slot] = true
    own_rows[#own_rows + 1] = slot - 1
  end
  return slot
end

-- Each thing is visited once for each selection, so the cost is bounded by rows × selections.
local function is_visited(thing, selection)
  local of_selection = visited[selection]
  if not of_selection then
    of_selection = {}
    visited[selection] = of_selection
  end
  local is_known = of_selection[thing]
  of_selection[thing] = true
  return is_known
end

local walk_customer

local function walk_order(id, selection)
  local slot = want(1, id)
  local customer, has_products = selection[1], selection[2]
  if is_visited(id, selection) or not values[slot] or not (customer or has_products) then return end
  local header = headers[slot]
  if not header then
    header = header_of(values[slot])
    headers[slot] = header
  end
  if not header[4] then return end
  if customer then walk_customer(header[4], customer) end
  if has_products then
    for _, product_id in ipairs(header[7]) do
      want(3, product_id)
    end
  end
end

-- The customers of suspect orders; of those without a row nobody knows, so all lists may be wrong.
local doubtful, is_any_doubtful
local MANY = 100 -- more suspects than this are not looked at one by one

local function find_doubtful()
  doubtful = {}
  local key = key_of('orders', 'suspects')
  if redis.call('HLEN', key) > MANY then
    is_any_doubtful = true
    return
  end
  local marked = redis.call('HGETALL', key)
  for at = 1, #marked, 2 do
    local epoch, number = unpack(cmsgpack.unpack(marked[at + 1]))
    local value = redis.call('HGET', key_of('orders', 'rows'), marked[at])
    local header = value and header_of(value)
    if not header or is_newer(epoch, number, header[1], header[2]) then
      if header and header[4] then
        doubtful[header[4]] = true
      else
        is_any_doubtful = true
      end
    end
  end
end

local function is_doubtful(customer_id)
  if not doubtful then find_doubtful() end
  return is_any_doubtful or doubtful[customer_id]
end

local function walk_page(customer_id, page)
  local number, first, status, after, node = unpack(page)
  local listing = customer_id .. '\0' .. status .. '\0'
  local below = '(' .. listing .. (after or '\255')
  local found = redis.call(
    'ZRANGE', key_of('orders', 'listing'), below, '[' .. listing, 'BYLEX', 'REV', 'LIMIT', 0, first + 1)
  local order_ids = {}
  local id_from = #listing + 20 -- after the time, 18 digits, and \0
  for at = 1, math.min(first, #found) do
    order_ids[at] = string.sub(found[at], id_from)
  end
  own_pages[#own_pages + 1] = {
    number, customer_id, found[first + 1] and 1 or 0, order_ids, is_doubtful(customer_id) and 1 or 0}
  for _, order_id in ipairs(order_ids) do
    walk_order(order_id, node)
  end
end

walk_customer = function(id, pages)
  want(2, id)
  if is_visited(id, pages) then return end
  for _, page in ipairs(pages) do
    walk_page(id, page)
  end
end

local function walk(root)
  local kind, id, selection = unpack(root)
  if kind == 1 then
    walk_order(id, selection)
  elseif kind == 2 then
    walk_page(id, selection)
  elseif kind == 3 then
    walk_customer(id, selection)
  else
    want(3, id)
  end
end

local owned = {}
for at, roots in ipairs(reads) do
  own_rows, own_pages, is_own, visited = {}, {}, {}, {}
  for _, root in ipairs(roots) do
    walk(root)
  end
  owned[at] = {own_rows, own_pages}
end

local suspects = {}
for type = 1, 3 do
  local key = key_of(SOURCES[type], 'suspects')
  if next(slots[type]) and redis.call('EXISTS', key) == 1 then
    for id, slot in pairs(slots[type]) do
      local mark = redis.call('HGET', key, id)
      if mark then
        local epoch, number = unpack(cmsgpack.unpack(mark))
        local header = values[slot] and header_of(values[slot])
        if not header or is_newer(epoch, number, header[1], header[2]) then
          suspects[#suspects + 1] = slot - 1
        end
      end
    end
  end
end

local positions = {}
for type = 1, 3 do
  positions[type] = redis.call('HGETALL', key_of(SOURCES[type], 'positions'))
end
local stamp = redis.call('MGET', INCARNATION, SEQUENCE)
return {table.concat(kinds), ids, values, suspects, owned, positions, stamp}
