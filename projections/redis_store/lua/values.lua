-- A row's value: four bytes with the length of its header, the header as MessagePack, the state as
-- JSON (nothing for a tombstone). Header: epoch, number, healed at (false: streamed), and of an
-- order also customer, status, placed at, product ids.

local function is_newer(epoch, number, than_epoch, than_number)
  return epoch > than_epoch or (epoch == than_epoch and number > than_number)
end

local function header_of(value)
  local _, header = cmsgpack.unpack_one(value, 4)
  return header
end

-- The same state, now brought by the stream.
local function streamed(value)
  local size = struct.unpack('>I4', value)
  local header = header_of(value)
  header[3] = false
  local packed = cmsgpack.pack(header)
  return struct.pack('>I4', #packed) .. packed .. string.sub(value, 5 + size)
end
