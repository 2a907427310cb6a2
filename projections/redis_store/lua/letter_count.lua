-- How many dead letters there are.

return redis.call('HLEN', LETTERS)
