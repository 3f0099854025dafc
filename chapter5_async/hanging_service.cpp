// SPDX-License-Identifier: MIT
#include "hanging_service.hpp"

void count_call(Count& count, bool in_outage, bool answered) {
  if (in_outage) ++count.in_outage;
  if (answered) ++count.answered;
  if (in_outage || answered) return;
  ++count.late;
  if (count.late == 1) pdc::fault("late");
}

asio::awaitable<bool> call(Service& service) {
  const auto answer = std::make_shared<Timer>(service.loop, limit);
  service.calls.push_back(answer);
  const auto [error] = co_await answer->async_wait(asio::as_tuple(asio::use_awaitable));
  co_return error == asio::error::operation_aborted;  // the service has cancelled the limit
}

asio::awaitable<void> work(Service& service, pdc::Lane lane) {
  Timer timer(service.loop, service.back);
  co_await timer.async_wait(asio::use_awaitable);
  pdc::mark("service is back");
  while (Clock::now() < service.evening + 2 * limit) {  // by then no call is left
    timer.expires_after(1ms);
    if (service.calls.empty()) {
      co_await timer.async_wait(asio::use_awaitable);
      continue;
    }
    const auto caller = service.calls.front();
    service.calls.pop_front();
    const auto span = caller.expired() ? lane.work("in vain") : lane.send("answer");
    co_await timer.async_wait(asio::use_awaitable);
    const auto answer = caller.lock();
    if (!answer || answer->cancel() == 0) ++service.in_vain;  // too late
  }
}
