-- Wireshark dissector for Ringside's captures (docs/capture.md): PCIe TLPs on link type 147 (USER0),
-- the other lines of the trace on 148 (USER1). Lua 5.1 to 5.4, Wireshark 3.6 and later.

local tlp = Proto("tlp", "PCI Express transaction-layer packet")
local line = Proto("ringside", "Ringside trace")

local CHANNEL = { [0] = "cq", [1] = "cc", [2] = "rq", [3] = "rc" }
local STATUS = { [0] = "SC", [1] = "UR", [2] = "CRS", [4] = "CA" }
local ADDRESS_TYPE = { [0] = "untranslated", [1] = "translation request", [2] = "translated", [3] = "reserved" }
local INTX = {
  [0x20] = "Assert_INTA", [0x21] = "Assert_INTB", [0x22] = "Assert_INTC", [0x23] = "Assert_INTD",
  [0x24] = "Deassert_INTA", [0x25] = "Deassert_INTB", [0x26] = "Deassert_INTC", [0x27] = "Deassert_INTD",
}
local PREFIX = { [0x11] = "PASID", [0x10] = "extended TPH", [0x00] = "MR-IOV" }

local f = {
  version = ProtoField.uint8("tlp.lead.version", "Version of the lead"),
  channel = ProtoField.uint8("tlp.channel", "Channel", base.DEC, CHANNEL),
  cycle = ProtoField.uint64("tlp.cycle", "Cycle of the last beat"),
  start = ProtoField.uint64("tlp.start", "Cycle of the first beat"),
  prefix = ProtoField.uint32("tlp.prefix", "Prefix", base.HEX),
  prefix_type = ProtoField.uint8("tlp.prefix.type", "Prefix type", base.HEX, PREFIX),
  pasid = ProtoField.uint32("tlp.prefix.pasid", "PASID", base.HEX),
  fmt = ProtoField.uint8("tlp.fmt", "Format", base.HEX),
  type = ProtoField.uint8("tlp.type", "Type", base.HEX),
  kind = ProtoField.string("tlp.kind", "Kind"),
  header_dw = ProtoField.uint8("tlp.header_dw", "Header dwords"),
  tc = ProtoField.uint8("tlp.tc", "Traffic class"),
  attr = ProtoField.uint8("tlp.attr", "Attributes", base.HEX),
  no_snoop = ProtoField.bool("tlp.attr.no_snoop", "No snoop"),
  relaxed = ProtoField.bool("tlp.attr.relaxed", "Relaxed ordering"),
  by_id = ProtoField.bool("tlp.attr.ido", "Id-based ordering"),
  th = ProtoField.bool("tlp.th", "Processing hints"),
  td = ProtoField.bool("tlp.td", "Digest"),
  ep = ProtoField.bool("tlp.ep", "Poisoned"),
  at = ProtoField.uint8("tlp.at", "Address type", base.DEC, ADDRESS_TYPE),
  length = ProtoField.uint16("tlp.length", "Length in dwords"),
  requester = ProtoField.uint16("tlp.requester", "Requester id", base.HEX),
  completer = ProtoField.uint16("tlp.completer", "Completer id", base.HEX),
  target = ProtoField.uint16("tlp.target", "Function addressed", base.HEX),
  tag = ProtoField.uint16("tlp.tag", "Tag"),
  fbe = ProtoField.uint8("tlp.fbe", "First byte enables", base.HEX),
  lbe = ProtoField.uint8("tlp.lbe", "Last byte enables", base.HEX),
  address = ProtoField.uint64("tlp.address", "Address", base.HEX),
  register = ProtoField.uint16("tlp.register", "Register", base.HEX),
  status = ProtoField.uint8("tlp.status", "Completion status", base.DEC, STATUS),
  bytes = ProtoField.uint16("tlp.bytes", "Remaining bytes"),
  lower = ProtoField.uint8("tlp.lower", "Lower address", base.HEX),
  routing = ProtoField.uint8("tlp.routing", "Routing"),
  code = ProtoField.uint8("tlp.code", "Message code", base.HEX, INTX),
  payload = ProtoField.bytes("tlp.payload", "Payload"),
  request_in = ProtoField.framenum("tlp.request_in", "Request in", base.NONE, frametype.REQUEST),
  response_in = ProtoField.framenum("tlp.response_in", "Last completion in", base.NONE, frametype.RESPONSE),
  cycles = ProtoField.uint64("tlp.cycles", "Cycles since the request"),
}
tlp.fields = {}
for _, field in pairs(f) do table.insert(tlp.fields, field) end

local malformed = ProtoExpert.new("tlp.malformed", "Not a TLP", expert.group.MALFORMED, expert.severity.ERROR)
local aborted = ProtoExpert.new("tlp.unsuccessful", "Completion without success", expert.group.RESPONSE_CODE, expert.severity.WARN)
tlp.experts = { malformed, aborted }

local text = ProtoField.string("ringside.line", "Line of the trace")
local event = ProtoField.string("ringside.event", "Event")
line.fields = { text, event }

local LEAD = 16

-- Requests under way by requester and tag, and what belongs to what, by packet number.
local waiting, request_of, response_of, cycle_of = {}, {}, {}, {}
function tlp.init()
  waiting, request_of, response_of, cycle_of = {}, {}, {}, {}
end

-- Bits high..low of a dword (arithmetic, so that every Lua can do it).
local function bits(dword, high, low)
  return math.floor(dword / 2 ^ low) % 2 ^ (high - low + 1)
end

local function bdf(id)
  return string.format("%02x:%02x.%x", bits(id, 15, 8), bits(id, 7, 3), bits(id, 2, 0))
end

-- What a format and a type are: name, and which of the field layouts below.
local function kind_of(fmt, type)
  local data = fmt == 2 or fmt == 3
  if type == 0 and fmt < 4 then return data and "MWr" or "MRd", "memory" end
  if type == 1 and not data then return "MRdLk", "memory" end
  if type == 2 and (fmt == 0 or fmt == 2) then return data and "IOWr" or "IORd", "memory" end
  if (type == 4 or type == 5) and (fmt == 0 or fmt == 2) then
    return (data and "CfgWr" or "CfgRd") .. (type - 4), "configuration"
  end
  if type == 10 and (fmt == 0 or fmt == 2) then return data and "CplD" or "Cpl", "completion" end
  if type == 11 and (fmt == 0 or fmt == 2) then return data and "CplDLk" or "CplLk", "completion" end
  if type >= 16 and type < 24 and (fmt == 1 or fmt == 3) then return data and "MsgD" or "Msg", "message" end
  if type == 12 and data then return "FetchAdd", "memory" end
  if type == 13 and data then return "Swap", "memory" end
  if type == 14 and data then return "CAS", "memory" end
  return string.format("TLP fmt %d type %d", fmt, type), "unknown"
end

local function link(tree, tag_key, pinfo, cycle, is_request, is_last)
  local number = pinfo.number
  if not pinfo.visited then
    if is_request then
      waiting[tag_key] = number
      cycle_of[number] = cycle
    elseif waiting[tag_key] then
      request_of[number] = waiting[tag_key]
      if is_last then
        response_of[waiting[tag_key]] = number
        waiting[tag_key] = nil
      end
    end
  end
  if request_of[number] then
    tree:add(f.request_in, request_of[number]):set_generated()
    tree:add(f.cycles, cycle - cycle_of[request_of[number]]):set_generated()
  end
  if response_of[number] then tree:add(f.response_in, response_of[number]):set_generated() end
end

function tlp.dissector(tvb, pinfo, root)
  pinfo.cols.protocol = "TLP"
  local tree = root:add(tlp, tvb())
  if tvb:captured_len() < LEAD + 12 then
    tree:add_proto_expert_info(malformed, "shorter than any TLP")
    return tvb:captured_len()
  end
  local channel = tvb(1, 1):uint()
  local cycle = tvb(4, 8):uint64()
  local lead = tree:add(tvb(0, LEAD), "Channel and time")
  lead:add(f.version, tvb(0, 1))
  lead:add(f.channel, tvb(1, 1))
  if bits(tvb(2, 1):uint(), 0, 0) == 1 then lead:add(f.start, tvb(12, 4), cycle - tvb(12, 4):uint()) end
  lead:add(f.cycle, tvb(4, 8))
  local up = channel == 1 or channel == 2
  pinfo.cols.src = up and "device" or "host"
  pinfo.cols.dst = up and "host" or "device"

  local at = LEAD
  while at + 4 <= tvb:captured_len() and bits(tvb(at, 1):uint(), 7, 5) == 4 do
    local dword = tvb(at, 4)
    local branch = tree:add(f.prefix, dword)
    branch:add(f.prefix_type, dword, bits(dword:uint(), 28, 24))
    if bits(dword:uint(), 28, 24) == 0x11 then branch:add(f.pasid, dword, bits(dword:uint(), 19, 0)) end
    at = at + 4
  end
  local short = tvb:captured_len() - at
  local dw = at + 4 <= tvb:captured_len() and tvb(at, 4):uint() or 0
  local fmt, type = bits(dw, 31, 29), bits(dw, 28, 24)
  local wide = fmt == 1 or fmt == 3
  local header = wide and 4 or 3
  if short < header * 4 then
    tree:add_proto_expert_info(malformed, "ends inside its header")
    return tvb:captured_len()
  end
  local kind, layout = kind_of(fmt, type)
  local d = { [0] = tvb(at, 4), tvb(at + 4, 4), tvb(at + 8, 4) }
  tree:add(f.kind, d[0], kind)
  tree:add(f.fmt, d[0], fmt)
  tree:add(f.type, d[0], type)
  tree:add(f.header_dw, d[0], header)
  tree:add(f.tc, d[0], bits(dw, 22, 20))
  local attr = bits(dw, 13, 12) + 4 * bits(dw, 18, 18)
  local attributes = tree:add(f.attr, d[0], attr)
  attributes:add(f.by_id, d[0], attr >= 4)
  attributes:add(f.relaxed, d[0], bits(attr, 1, 1) == 1)
  attributes:add(f.no_snoop, d[0], bits(attr, 0, 0) == 1)
  tree:add(f.th, d[0], bits(dw, 16, 16) == 1)
  tree:add(f.td, d[0], bits(dw, 15, 15) == 1)
  tree:add(f.ep, d[0], bits(dw, 14, 14) == 1)
  tree:add(f.at, d[0], bits(dw, 11, 10))
  local length = bits(dw, 9, 0)
  if length == 0 then length = 1024 end
  tree:add(f.length, d[0], length)

  local dw1, dw2 = d[1]:uint(), d[2]:uint()
  -- bits 9 and 8 of a 10-bit tag are in the first dword
  local high = 512 * bits(dw, 23, 23) + 256 * bits(dw, 19, 19)
  local payload = short - header * 4
  local info = kind
  if layout == "completion" then
    local tag = bits(dw2, 15, 8) + high
    local bytes = bits(dw1, 11, 0)
    if bytes == 0 then bytes = 4096 end
    local status = bits(dw1, 15, 13)
    local lower = bits(dw2, 6, 0)
    tree:add(f.completer, d[1], bits(dw1, 31, 16))
    local shown = tree:add(f.status, d[1], status)
    if status ~= 0 then shown:add_proto_expert_info(aborted) end
    tree:add(f.bytes, d[1], bytes)
    tree:add(f.requester, d[2], bits(dw2, 31, 16))
    tree:add(f.tag, d[2], tag)
    tree:add(f.lower, d[2], lower)
    local last = status ~= 0 or bytes + lower % 4 <= payload or payload == 0
    link(tree, bits(dw2, 31, 16) .. "/" .. tag, pinfo, cycle, false, last)
    info = string.format("%s %s tag %d, %d bytes left", kind, STATUS[status] or "reserved", tag, bytes)
  elseif layout ~= "unknown" then
    local tag = bits(dw1, 15, 8) + high
    local requester = bits(dw1, 31, 16)
    tree:add(f.requester, d[1], requester)
    tree:add(f.tag, d[1], tag)
    info = string.format("%s tag %d", kind, tag)
    if layout == "memory" then
      tree:add(f.lbe, d[1], bits(dw1, 7, 4))
      tree:add(f.fbe, d[1], bits(dw1, 3, 0))
      local address
      if wide then
        address = UInt64.new(tvb(at + 12, 4):uint() - bits(tvb(at + 12, 4):uint(), 1, 0), dw2)
        tree:add(f.address, tvb(at + 8, 8), address)
      else
        address = UInt64.new(dw2 - bits(dw2, 1, 0), 0)
        tree:add(f.address, d[2], address)
      end
      info = string.format("%s 0x%s, %d dw, tag %d", kind, address:tohex():gsub("^0+", "0"), length, tag)
    elseif layout == "configuration" then
      tree:add(f.fbe, d[1], bits(dw1, 3, 0))
      tree:add(f.target, d[2], bits(dw2, 31, 16))
      tree:add(f.register, d[2], bits(dw2, 11, 2) * 4)
      info = string.format("%s %s register 0x%x, tag %d", kind, bdf(bits(dw2, 31, 16)), bits(dw2, 11, 2) * 4, tag)
    else
      tree:add(f.routing, d[0], bits(type, 2, 0))
      tree:add(f.code, d[1], bits(dw1, 7, 0))
      info = string.format("%s %s", kind, INTX[bits(dw1, 7, 0)] or string.format("code 0x%02x", bits(dw1, 7, 0)))
    end
    if kind ~= "MWr" and layout ~= "message" then
      link(tree, requester .. "/" .. tag, pinfo, cycle, true, false)
    end
  end
  if payload > 0 then tree:add(f.payload, tvb(at + header * 4, payload)) end
  pinfo.cols.info = info
  return tvb:captured_len()
end

function line.dissector(tvb, pinfo, root)
  pinfo.cols.protocol = "Ringside"
  local tree = root:add(line, tvb())
  local said = tvb():string()
  tree:add(text, tvb(), (said:gsub("%s+$", "")))
  local kind = said:match('^{"c":%d+,"e":{"([%w_]+)"') or (said:match('^{"ringside_trace"') and "header") or "continued"
  tree:add(event, tvb(), kind)
  pinfo.cols.info = kind .. ": " .. said:sub(1, 160):gsub("%s+$", "")
  return tvb:captured_len()
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, tlp)
DissectorTable.get("wtap_encap"):add(wtap.USER1, line)
