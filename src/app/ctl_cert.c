/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_cert.c - `mpregctl cert ca` and `mpregctl cert issue`: certificates for development and small
 * installations (host/tls_issue.h).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <sys/stat.h>

#include "app/ctl.h"
#include "app/ctl_json.h"
#include "host/log_sink.h"
#include "host/tls_identity.h"
#include "host/tls_issue.h"
#include "host/value.h"

#define HOSTS_MAX      64
#define PATH_SIZE      1024
#define DOMAIN_DEFAULT "mpreg"

static const char help[] =
    "Usage: mpregctl cert ca --out DIR [--name NAME] [--days N] [--force]\n"
    "       mpregctl cert issue --ca DIR --federation F --bridge B --out PREFIX [OPTION]...\n"
    "       mpregctl cert issue --ca DIR --name NAME --out PREFIX [OPTION]...\n"
    "\n"
    "ca makes an authority: DIR/ca.pem, and DIR/ca.key, which must stay secret.\n"
    "issue makes PREFIX.pem and PREFIX.key: for a bridge with --federation and --bridge, or with\n"
    "--name for a node of a cluster that speaks wss://.\n"
    "\n"
    "      --dns NAME      a host name it is good for; may be given several times\n"
    "      --ip ADDRESS    an IP address it is good for; may be given several times\n"
    "      --domain D      of the identity spiffe://D/federation/F/bridge/B (mpreg)\n"
    "      --days N        how long it is good (365; an authority 3650)\n"
    "      --force         replace files that exist\n";

enum cert_option {
    OPTION_OUT = 256,
    OPTION_NAME,
    OPTION_DAYS,
    OPTION_FORCE,
    OPTION_CA,
    OPTION_FEDERATION,
    OPTION_BRIDGE,
    OPTION_DNS,
    OPTION_IP,
    OPTION_DOMAIN,
};

struct cert {
    struct ctl *ctl;
    const char *out;
    const char *name;
    const char *ca;
    const char *federation;
    const char *bridge;
    const char *domain;
    const char *hosts[HOSTS_MAX];
    size_t host_count;
    unsigned days; /* 0: the default */
    bool force;
};

/* ---- The command line ---- */

static int
take_days(struct cert *cert, const struct options *line)
{
    uint64_t days = 0;
    if (value_read_number(line->value, &days) != VALUE_OK || days == 0 ||
        days > TLS_ISSUE_DAYS_MAX) {
        return options_fault(line, "--days %s is not a number from 1 to %u",
            value_quote(line->value).text, TLS_ISSUE_DAYS_MAX);
    }
    cert->days = (unsigned)days;
    return APP_OK;
}

static int
take_host(struct cert *cert, const struct options *line, bool is_address)
{
    struct in_addr ipv4;
    struct in6_addr ipv6;
    bool numeric =
        inet_pton(AF_INET, line->value, &ipv4) == 1 || inet_pton(AF_INET6, line->value, &ipv6) == 1;
    if (numeric != is_address) {
        return options_fault(line,
            is_address ? "--ip %s is not an IP address; see --dns"
                       : "--dns %s is an IP address; see --ip",
            value_quote(line->value).text);
    }
    if (cert->host_count == HOSTS_MAX) {
        return options_fault(line, "more than %d times --dns and --ip", HOSTS_MAX);
    }
    cert->hosts[cert->host_count++] = line->value;
    return APP_OK;
}

/* APP_OK, or the exit code. */
static int
take_option(struct cert *cert, const struct options *line, int code, enum ctl_common *common)
{
    switch (code) {
    case OPTION_OUT:
        cert->out = line->value;
        return APP_OK;
    case OPTION_NAME:
        cert->name = line->value;
        return APP_OK;
    case OPTION_DAYS:
        return take_days(cert, line);
    case OPTION_FORCE:
        cert->force = true;
        return APP_OK;
    case OPTION_CA:
        cert->ca = line->value;
        return APP_OK;
    case OPTION_FEDERATION:
        cert->federation = line->value;
        return APP_OK;
    case OPTION_BRIDGE:
        cert->bridge = line->value;
        return APP_OK;
    case OPTION_DNS:
        return take_host(cert, line, false);
    case OPTION_IP:
        return take_host(cert, line, true);
    case OPTION_DOMAIN:
        cert->domain = line->value;
        return APP_OK;
    case OPTIONS_ARGUMENT:
        return options_fault(line, "unexpected argument '%s'", line->value);
    default:
        *common = ctl_take_common(cert->ctl, line, code);
        return *common == CTL_COMMON_WRONG ? APP_USAGE : APP_OK;
    }
}

/* false: end with *exit_code. */
static bool
read_options(struct cert *cert, struct options *line, int *exit_code)
{
    enum ctl_common common = CTL_COMMON_TAKEN;
    int code = 0;
    *exit_code = APP_OK;
    while (*exit_code == APP_OK && common == CTL_COMMON_TAKEN &&
           (code = options_next(line)) != OPTIONS_END) {
        *exit_code = take_option(cert, line, code, &common);
    }
    if (common == CTL_COMMON_HELP) {
        (void)fputs(help, stdout);
        return false;
    }
    if (*exit_code == APP_OK && cert->out == NULL) {
        *exit_code = options_fault(line, "--out is missing");
    }
    return *exit_code == APP_OK;
}

/* ---- Files ---- */

struct path {
    char text[PATH_SIZE];
};

/* false: too long. */
static bool
join(struct path *path, const char *first, const char *second)
{
    int size = snprintf(path->text, sizeof(path->text), "%s%s", first, second);
    return size >= 0 && (size_t)size < sizeof(path->text);
}

static int
report_made(const struct ctl *ctl, const struct path *cert, const struct path *key, const char *uri)
{
    if (ctl->json) {
        ctl_print_json(json_pack("{s:b,s:s,s:s,s:s*}", "ok", 1, "cert_file", cert->text, "key_file",
            key->text, "uri", uri));
        return APP_OK;
    }
    (void)printf("%s\n%s\n", cert->text, key->text);
    return APP_OK;
}

/* ---- ca ---- */

static int
make_ca(struct cert *cert)
{
    struct path cert_file;
    struct path key_file;
    struct reason reason;
    if (!join(&cert_file, cert->out, "/ca.pem") || !join(&key_file, cert->out, "/ca.key")) {
        return ctl_fail(cert->ctl, "--out is too long");
    }
    if (mkdir(cert->out, 0755) != 0 && errno != EEXIST) {
        return ctl_fail(cert->ctl, "cannot make the folder '%s': %s", cert->out, strerror(errno));
    }
    const struct tls_issue_ca ca = {
        .name = cert->name == NULL ? "mpreg authority" : cert->name,
        .now = log_sink_now().wall,
        .days = cert->days,
        .files = { .cert_file = cert_file.text, .key_file = key_file.text, .force = cert->force },
    };
    if (!tls_issue_create_ca(&ca, &reason)) {
        return ctl_fail(cert->ctl, "%s", reason.text);
    }
    return report_made(cert->ctl, &cert_file, &key_file, NULL);
}

static int
run_ca(struct ctl *ctl, int argc, char **argv)
{
    static const struct option longs[] = {
        { "out", required_argument, NULL, OPTION_OUT },
        { "name", required_argument, NULL, OPTION_NAME },
        { "days", required_argument, NULL, OPTION_DAYS },
        { "force", no_argument, NULL, OPTION_FORCE },
        CTL_COMMON_OPTIONS,
    };
    struct options line = { .program = ctl->program,
        .shorts = CTL_COMMON_SHORTS,
        .longs = longs,
        .argc = argc,
        .argv = argv };
    struct cert cert = { .ctl = ctl };
    int code = APP_OK;
    return read_options(&cert, &line, &code) ? make_ca(&cert) : code;
}

/* ---- issue ---- */

static int
check_issue(const struct cert *cert, const struct options *line)
{
    bool both = cert->federation != NULL && cert->bridge != NULL;
    if (cert->ca == NULL) {
        return options_fault(line, "--ca DIR is missing: the folder that 'cert ca' made");
    }
    if ((cert->federation != NULL) != (cert->bridge != NULL)) {
        return options_fault(line, "--federation and --bridge go together");
    }
    if (both == (cert->name != NULL)) {
        return options_fault(
            line, "write either --federation F --bridge B for a bridge, or --name NAME for a node");
    }
    return APP_OK;
}

/* The identity must read back to what was meant: then the far bridge understands it, too. */
static bool
make_uri(const struct cert *cert, char *uri, size_t size)
{
    struct tls_identity identity;
    int used = snprintf(uri, size, "spiffe://%s/federation/%s/bridge/%s",
        cert->domain == NULL ? DOMAIN_DEFAULT : cert->domain, cert->federation, cert->bridge);
    return used >= 0 && (size_t)used < size &&
           tls_identity_federation(SPAN(TLS_IDENTITY_DEFAULT), span_from_text(uri), &identity) &&
           strcmp(identity.federation, cert->federation) == 0 &&
           strcmp(identity.bridge, cert->bridge) == 0;
}

static int
make_certificate(const struct cert *cert)
{
    char uri[1024];
    struct path files[4];
    struct reason reason;
    bool is_bridge = cert->bridge != NULL;
    if (!join(&files[0], cert->ca, "/ca.pem") || !join(&files[1], cert->ca, "/ca.key") ||
        !join(&files[2], cert->out, ".pem") || !join(&files[3], cert->out, ".key")) {
        return ctl_fail(cert->ctl, "--ca or --out is too long");
    }
    if (is_bridge && !make_uri(cert, uri, sizeof(uri))) {
        return ctl_fail(cert->ctl,
            "--domain, --federation and --bridge are printable characters without '/' and space");
    }
    const struct tls_issue_request request = {
        .ca_cert_file = files[0].text,
        .ca_key_file = files[1].text,
        .name = is_bridge ? cert->bridge : cert->name,
        .uri = is_bridge ? uri : NULL,
        .hosts = cert->hosts,
        .host_count = cert->host_count,
        .now = log_sink_now().wall,
        .days = cert->days,
        .files = { .cert_file = files[2].text, .key_file = files[3].text, .force = cert->force },
    };
    if (!tls_issue_create_certificate(&request, &reason)) {
        return ctl_fail(cert->ctl, "%s", reason.text);
    }
    return report_made(cert->ctl, &files[2], &files[3], request.uri);
}

static int
run_issue(struct ctl *ctl, int argc, char **argv)
{
    static const struct option longs[] = {
        { "out", required_argument, NULL, OPTION_OUT },
        { "ca", required_argument, NULL, OPTION_CA },
        { "federation", required_argument, NULL, OPTION_FEDERATION },
        { "bridge", required_argument, NULL, OPTION_BRIDGE },
        { "name", required_argument, NULL, OPTION_NAME },
        { "dns", required_argument, NULL, OPTION_DNS },
        { "ip", required_argument, NULL, OPTION_IP },
        { "domain", required_argument, NULL, OPTION_DOMAIN },
        { "days", required_argument, NULL, OPTION_DAYS },
        { "force", no_argument, NULL, OPTION_FORCE },
        CTL_COMMON_OPTIONS,
    };
    struct options line = { .program = ctl->program,
        .shorts = CTL_COMMON_SHORTS,
        .longs = longs,
        .argc = argc,
        .argv = argv };
    struct cert cert = { .ctl = ctl };
    int code = APP_OK;
    if (!read_options(&cert, &line, &code)) {
        return code;
    }
    code = check_issue(&cert, &line);
    return code == APP_OK ? make_certificate(&cert) : code;
}

int
ctl_cert(struct ctl *ctl, int argc, char **argv)
{
    static const struct ctl_verb verbs[] = { { "ca", run_ca }, { "issue", run_issue } };
    return ctl_run_verb(ctl, verbs, COUNT_OF(verbs), help, argc, argv);
}
