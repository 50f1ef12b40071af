# How late a thread wakes that sleeps for a millisecond, N times, beside B threads that compute, and what these get done.
# usage: lateness.rb [N] [B]
require_relative "common"

n, spinners = args(30, 1)
$stop = false

# spins per second of the spinners while the block runs
def beside(spinners)
  $stop = false
  threads = spinners.times.map do
    Thread.new do
      k = 0
      until $stop
        i = 0
        i += 1 while i < 1000
        k += 1000
      end
      k
    end
  end
  t0 = now
  yield
  seconds = now - t0
  $stop = true
  threads.sum(&:value) / seconds
end

late = []
alone = beside(spinners) { sleep 0.3 }
together = beside(spinners) do
  n.times do
    t0 = now
    sleep 0.001
    late << (now - t0 - 0.001) * 1e6
  end
end
late.sort!
emit("lateness", n, late.sum / 1e6, metric: "p50_us", p50_us: late[n / 2], p99_us: late[n * 99 / 100],
     max_us: late[-1], spinner_share: (together / alone).round(3))
