// Mutual TLS: client and server prove to each other who they are, and nobody else can read along.
//
// Concept   TLS encrypts, but for whom? A side shows a certificate, its name and public key, signed
//           by an authority, and proves that it has the private key to it. Who verifies that (the
//           signature, the dates, the name) talks to no impostor and to no stranger. On the web
//           only the client verifies; with mutual TLS both sides do.
// Shows     ssl::context, add_certificate_authority, use_certificate, use_private_key,
//           ssl::stream, async_handshake, set_verify_mode, SSL_set1_host, SSL_get_verify_result
// Python    ssl.SSLContext.load_cert_chain, ssl.SSLContext.load_verify_locations, ssl.CERT_REQUIRED
// Run       mutual_tls
// You see   eight pairs of client and server, all of which talk; then only the right two do
// Next      coordinator and its workers share a secret, and need no certificates

// SPDX-License-Identifier: MIT
#include "certificates.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>

#include <new>
#include <string>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using boost::system::error_code;
using Stream = ssl::stream<asio::local::stream_protocol::socket>;  // or tcp::socket
constexpr auto with_error = asio::as_tuple(asio::use_awaitable);
constexpr auto name_of_server = "bank.example", name_of_client = "shop.example";

using Texts = std::vector<std::string>;
struct Result {
  Texts talks, by_client, by_server;  // which pairs; why one refuses the other
  int answered = 0, told_late = 0;    // clients
};

ssl::context new_context(const Identity& own, const std::string& authority) {
  ssl::context context(ssl::context::tlsv13);
  context.add_certificate_authority(asio::buffer(authority));
  if (own.certificate.empty()) return context;
  context.use_certificate(asio::buffer(own.certificate), ssl::context::pem);
  context.use_private_key(asio::buffer(own.private_key), ssl::context::pem);
  return context;
}

/// Requires: before the handshake. `name` is whom we want to talk to; an empty one is anybody.
void verify(Stream& stream, const char* name) {
  stream.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  if (SSL_set1_host(stream.native_handle(), name) != 1) throw std::bad_alloc();
}

/// Wrong on purpose: nobody on the way can read along, but who is at the other end?
void only_encrypt(Stream& stream, const char*) {
  stream.set_verify_mode(ssl::verify_none);
}

/// The other side has said that it refuses us.
bool is_alert(error_code error) {
  const auto code = static_cast<unsigned long>(error.value());
  return ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) > SSL_AD_REASON_OFFSET;
}

/// Returns false if one side refuses the other, and notes why, if it is this one.
asio::awaitable<bool> shake_hands(Stream& stream, Stream::handshake_type role, const Pair& pair,
                                  Texts& reasons) {
  const auto [error] = co_await stream.async_handshake(role, with_error);
  if (error && !is_alert(error)) {
    const long why = SSL_get_verify_result(stream.native_handle());
    reasons.push_back(why == X509_V_OK ? error.message() : X509_verify_cert_error_string(why));
    pdc::mark(pair.who);
    pdc::say("{} refused: {}", pair.who, reasons.back());
  }
  co_return !error;
}

asio::awaitable<void> serve(Result& result, const Pair& pair, Stream& stream, pdc::Lane lane) {
  auto work = lane.work("handshake");
  if (!co_await shake_hands(stream, Stream::server, pair, result.by_server)) co_return;
  work.end();
  std::string request;
  co_await asio::async_read_until(stream, asio::dynamic_buffer(request), '\n', with_error);
  if (request == "pay 1000\n") result.talks.push_back(pair.who);
  if (pair.who != "right") pdc::fault(pair.who);
  const auto send = lane.send("answer");
  co_await asio::async_write(stream, asio::buffer("paid\n", 5), with_error);
}

asio::awaitable<void> ask(Result& result, const Pair& pair, Stream& stream, pdc::Lane lane) {
  auto work = lane.work("handshake");
  if (!co_await shake_hands(stream, Stream::client, pair, result.by_client)) co_return;
  work.end();
  co_await asio::async_write(stream, asio::buffer("pay 1000\n", 9), with_error);
  std::string answer;
  const auto receive = lane.receive("answer");
  const auto [end, size] =
      co_await asio::async_read_until(stream, asio::dynamic_buffer(answer), '\n', with_error);
  if (answer == "paid\n") ++result.answered;
  if (is_alert(end)) ++result.told_late;  // the server has verified us after our handshake
}

Result meet(const Company& company, void (&prepare)(Stream&, const char*)) {
  const pdc::Lane client_lane(pdc::task, "client"), server_lane(pdc::task, "server");
  Result result;
  for (const Pair& pair : company.pairs) {
    asio::io_context loop;
    ssl::context of_client = new_context(pair.client, company.authority);
    ssl::context of_server = new_context(pair.server, company.authority);
    Stream client(loop, of_client), server(loop, of_server);
    asio::local::connect_pair(client.next_layer(), server.next_layer());
    prepare(client, name_of_server);
    prepare(server, name_of_client);
    asio::co_spawn(loop, ask(result, pair, client, client_lane), pdc::rethrow);
    asio::co_spawn(loop, serve(result, pair, server, server_lane), pdc::rethrow);
    loop.run();
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv);
  const Company company = invite(name_of_server, name_of_client);

  const Result encrypted = program.scene("only encrypted", meet, company, only_encrypt);
  const Result verified = program.scene("both verify", meet, company, verify);

  Texts why{"certificate signature failure", "certificate has expired", "hostname mismatch"};
  pdc::check(encrypted.talks.size() == 8 && encrypted.answered == 8,
             "only encrypted, anybody is asked, and anybody is served", "{} of 8 pairs",
             encrypted.talks.size());
  pdc::check(verified.by_client == why,
             "a client that verifies refuses a server that is forged, expired, or another",
             "{} of 3", verified.by_client.size());
  why.push_back("peer did not return a certificate (SSL routines)");
  pdc::check(verified.by_server == why,
             "a server that verifies refuses such clients, and one without a certificate",
             "{} of 4", verified.by_server.size());
  pdc::check(verified.talks == Texts{"right"} && verified.answered == 1,
             "where both verify, only the right two talk", "{}", pdc::join(verified.talks));
  pdc::check(verified.told_late == 4, "with TLS 1.3, a refused client is told only when it reads",
             "{} of 4", verified.told_late);
  return program.finish();
}
