// SPDX-License-Identifier: MIT
#include "certificates.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>

namespace {

constexpr long day = 24 * 60 * 60;  // seconds
enum Dates { valid, expired };

/// What a call of OpenSSL has returned, if that is not nothing: 0, or no object.
template <class Result>
Result must(Result result, const char* call) {
  if (!result) throw std::runtime_error(std::string(call) + " failed");
  return result;
}

std::shared_ptr<EVP_PKEY> new_key() {
  return {must(EVP_EC_gen("P-256"), "EVP_EC_gen"), EVP_PKEY_free};
}

void extend(X509* certificate, int kind, const char* value) {
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      must(X509V3_EXT_conf_nid(nullptr, nullptr, kind, value), "X509V3_EXT_conf_nid"),
      X509_EXTENSION_free);
  must(X509_add_ext(certificate, extension.get(), -1), "X509_add_ext");
}

/// All but the issuer's name, the extensions and the signature.
std::shared_ptr<X509> new_certificate(const std::string& name, EVP_PKEY* key, Dates dates) {
  const std::shared_ptr<X509> made(must(X509_new(), "X509_new"), X509_free);
  std::uint32_t serial = 0;
  must(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "RAND_bytes");
  must(ASN1_INTEGER_set_uint64(X509_get_serialNumber(made.get()), 1 + std::uint64_t{serial}),
       "ASN1_INTEGER_set_uint64");
  must(X509_set_version(made.get(), X509_VERSION_3), "X509_set_version");
  must(X509_gmtime_adj(X509_getm_notBefore(made.get()), -2 * day), "X509_gmtime_adj");
  must(X509_gmtime_adj(X509_getm_notAfter(made.get()), dates == valid ? day : -day),
       "X509_gmtime_adj");
  const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
  must(X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8, text, -1,
                                  -1, 0),
       "X509_NAME_add_entry_by_txt");
  must(X509_set_pubkey(made.get(), key), "X509_set_pubkey");
  return made;
}

void sign(X509* certificate, X509* issuer, EVP_PKEY* key) {
  must(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)), "X509_set_issuer_name");
  must(X509_sign(certificate, key, EVP_sha256()), "X509_sign");
}

/// What `write` writes.
template <class Write>
std::string to_pem(Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(must(BIO_new(BIO_s_mem()), "BIO_new"),
                                                         BIO_free);
  must(write(memory.get()), "PEM_write_bio");
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string to_pem(X509* certificate) {
  return to_pem([&](BIO* memory) { return PEM_write_bio_X509(memory, certificate); });
}

/// Signs certificates.
class Authority {
 public:
  explicit Authority(const std::string& name)
      : key_(new_key()), own_(new_certificate(name, key_.get(), valid)) {
    extend(own_.get(), NID_basic_constraints, "critical,CA:TRUE");
    extend(own_.get(), NID_key_usage, "critical,keyCertSign");
    sign(own_.get(), own_.get(), key_.get());
  }

  Identity certify(const std::string& name, Dates dates = valid) const {
    const std::shared_ptr<EVP_PKEY> key = new_key();
    const std::shared_ptr<X509> made = new_certificate(name, key.get(), dates);
    extend(made.get(), NID_basic_constraints, "critical,CA:FALSE");
    extend(made.get(), NID_subject_alt_name, ("DNS:" + name).c_str());
    sign(made.get(), own_.get(), key_.get());
    const auto write_key = [&](BIO* memory) {
      return PEM_write_bio_PrivateKey(memory, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    };
    return {to_pem(made.get()), to_pem(write_key)};
  }

  std::string certificate() const { return to_pem(own_.get()); }

 private:
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> own_;
};

}  // namespace

Company invite(const std::string& server, const std::string& client) {
  const std::string name = "authority.example", other = "mail.example";
  const Authority authority(name), forger(name);  // whoever likes can take a name, but not the key
  const Identity bank = authority.certify(server), shop = authority.certify(client);
  return {authority.certificate(),
          {{"right", shop, bank},
           {"forged server", shop, forger.certify(server)},
           {"expired server", shop, authority.certify(server, expired)},
           {"other server", shop, authority.certify(other)},
           {"forged client", forger.certify(client), bank},
           {"expired client", authority.certify(client, expired), bank},
           {"other client", authority.certify(other), bank},
           {"no certificate", {}, bank}}};
}
