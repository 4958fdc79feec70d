-- Posts the lines of a file (first argument) in turn, with a token (second argument); prints one line of figures.
local bodies, turn = {}, 0

function init(args)
  for line in io.lines(args[1]) do bodies[#bodies + 1] = line end
  wrk.headers["Authorization"] = "Bearer " .. args[2]
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  turn = turn % #bodies + 1
  return wrk.format("POST", "/api/v1/suggestions", nil, bodies[turn])
end

function done(summary, latency, requests)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  local per_s = summary.requests / summary.duration * 1e6
  io.write(string.format("FIGURES %f %f %f %d\n", per_s, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, failed))
end
