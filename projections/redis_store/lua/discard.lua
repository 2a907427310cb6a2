-- Remove one dead letter; whether it was there. ARGV[1]: its id.

local is_there = redis.call('HEXISTS', LETTERS, ARGV[1])
remove_letters({ARGV[1]})
return is_there
