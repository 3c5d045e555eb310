-- One kind of request for wrk: sends it, and counts the answers that are not right.
-- Arguments: method, path, token, status, body template, number of the first request, file with a right answer, "same" or "long".

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  method, path, token = arguments[1], arguments[2], arguments[3]
  status, template = tonumber(arguments[4]), arguments[5]
  number, constant = tonumber(arguments[6]), arguments[8] == "same"
  local file = io.open(arguments[7], "rb")
  right = file:read("*a")
  file:close()
  headers = { ["Authorization"] = "Bearer " .. token, ["Accept"] = "application/json" }
  if template ~= "" then
    headers["Content-Type"] = "application/json"
  end
  wrong = 0
  if constant then
    text = wrk.format(method, path, headers, template ~= "" and template or nil)
  end
end

function request()
  if constant then
    return text
  end
  number = number + 1
  local body = template:gsub("{number}", string.format("%07d", number))
  local target = path:gsub("{flow}", string.format("%07d", number % 16 * 6))
  return wrk.format(method, target, headers, body)
end

function response(code, _, body)
  if code ~= status or #body ~= #right or (constant and body ~= right) then
    wrong = wrong + 1
  end
end

function done(summary, latency, _)
  local mistakes = 0
  for _, thread in ipairs(threads) do
    mistakes = mistakes + thread:get("wrong")
  end
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "seconds": %.6f, "errors": %d, "wrong": %d, "p50": %.3f, "p99": %.3f}\n',
    summary.requests, summary.duration / 1e6, errors.connect + errors.read + errors.write + errors.timeout,
    mistakes, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
