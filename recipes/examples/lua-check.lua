-- What Lua is made of, one thing after the other; the first that does not hold ends it.
assert(_VERSION == "Lua 5.4")
assert(1 // 0.0 == math.huge and 7 // 2 == 3 and 2^53 == 1 << 53)
assert(math.maxinteger + 1 == math.mininteger)
assert(("%5.2f|%x|%q"):format(3.14159, 255, "a\nb") == " 3.14|ff|\"a\\\nb\"")
assert(("one two"):gsub("(%w+) (%w+)", "%2 %1") == "two one")
assert(string.unpack("<i4", string.pack("<i4", -2)) == -2)
assert(utf8.len("größer") == 6 and #"größer" == 8)

local list = {5, 2, 8, 1}
table.sort(list, function(a, b) return a > b end)
assert(table.concat(list, " ") == "8 5 2 1" and select("#", table.unpack(list)) == 4)

local steps = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i * i) end end)
assert(steps() + steps() + steps() == 14)

local Point = {}
Point.__index = Point
Point.__add = function(a, b) return setmetatable({x = a.x + b.x}, Point) end
assert((setmetatable({x = 1}, Point) + setmetatable({x = 2}, Point)).x == 3)

local ok, why = pcall(error, {code = 7})
assert(not ok and why.code == 7)
do
    local closed
    do local guard <close> = setmetatable({}, {__close = function() closed = true end}) end
    assert(closed)
end

-- Compiled code, kept and run.
local double = load(string.dump(load("return 2 * ...")), "double", "b")
assert(double(21) == 42)

-- Files.
local file <close> = assert(io.open("numbers", "w+"))
for i = 1, 1000 do file:write(i, "\n") end
file:seek("set")
local sum = 0
for line in file:lines("n") do sum = sum + line end
assert(sum == 500500)
assert(os.date("!%Y", 0) == "1970" and os.getenv("HOME") == "/tmp")

-- There is nothing here but Lua.
assert(not io.open("/bin/sh") and not io.open("/lib64"))
print(_VERSION .. ": all of it works")
