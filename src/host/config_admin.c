/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_admin.c - the admin interface's keys: where it listens, and who may change something.
 */
#include <string.h>

#include <arpa/inet.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/config_common.h"

#define TOKEN_SIZE_MIN 16u
#define TOKEN_SIZE_MAX 512u

static const struct yaml_key admin_keys[] = {
    YAML_ADDRESS(struct config_admin, listen, "listen", .required = true),
    YAML_TEXT(struct config_admin, token_file, "token_file"),
};
const struct yaml_shape config_admin_shape = YAML_SHAPE(struct config_admin, admin_keys, "admin");

static struct yaml_place
place_of(const struct config_admin *admin, const char *key)
{
    return yaml_place(yaml_find(admin->yaml, key));
}

static bool
is_loopback(const char *host)
{
    struct in6_addr ipv6;
    struct in_addr ipv4;
    if (inet_pton(AF_INET, host, &ipv4) == 1) {
        return ntohl(ipv4.s_addr) >> 24 == 127;
    }
    return inet_pton(AF_INET6, host, &ipv6) == 1 &&
           memcmp(&ipv6, &in6addr_loopback, sizeof(ipv6)) == 0;
}

/* false: it cannot be read, or is larger. */
static bool
read_small_file(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t count = file == NULL ? size : fread(text, 1, size, file);
    if (file != NULL) {
        (void)fclose(file);
    }
    if (count == size) {
        return false;
    }
    text[count] = '\0';
    return strlen(text) == count;
}

/* As a header carries it: printable ASCII without spaces. */
static bool
is_token(const char *text)
{
    size_t size = 0;
    while (text[size] > ' ' && text[size] < 0x7f) {
        size++;
    }
    return text[size] == '\0' && size >= TOKEN_SIZE_MIN;
}

static void
read_token(struct config_admin *admin, struct yaml_errors *errors)
{
    static const char white[] = " \t\r\n";
    char text[TOKEN_SIZE_MAX + 2];
    struct yaml_place place = place_of(admin, "token_file");
    bool whole = read_small_file(admin->token_file, text, sizeof(text));
    char *first = whole ? text + strspn(text, white) : text;
    size_t size = whole ? strlen(first) : 0;
    while (size > 0 && strchr(white, first[size - 1]) != NULL) {
        size--;
    }
    first[size] = '\0';
    if (!whole || !is_token(first)) {
        yaml_errors_add(errors, YAML_ERROR, place,
            "admin.token_file: '%s' is no token of 16 to 512 printable characters",
            admin->token_file);
        yaml_errors_hint(errors, "make one: openssl rand -hex 32 > %s", admin->token_file);
        return;
    }
    char *copy = yaml_doc_take(admin->yaml->doc, size + 1);
    if (copy == NULL) {
        yaml_errors_add(errors, YAML_ERROR, place, "no memory for the token");
        return;
    }
    memcpy(copy, first, size + 1);
    admin->token = copy;
}

static void
warn_of_readers(const struct config_admin *admin, struct yaml_errors *errors)
{
    struct stat status;
    if (stat(admin->token_file, &status) == 0 && (status.st_mode & (S_IRWXO)) != 0) {
        yaml_errors_add(errors, YAML_WARNING, place_of(admin, "token_file"),
            "admin.token_file: everybody on this machine can read '%s'", admin->token_file);
        yaml_errors_hint(errors, "chmod 640 %s", admin->token_file);
    }
}

void
config_admin_check(struct config_admin *admin, const char *folder, struct yaml_errors *errors)
{
    const struct value_address *listen = &admin->listen;
    if (listen->port == 0) {
        return;
    }
    config_resolve_file(admin->yaml, "token_file", folder, errors, &admin->token_file);
    if (admin->token_file != NULL && access(admin->token_file, R_OK) == 0) {
        read_token(admin, errors);
        warn_of_readers(admin, errors);
    }
    if (!config_is_numeric(listen->host)) {
        yaml_errors_add(errors, YAML_ERROR, place_of(admin, "listen"),
            "admin.listen: '%s' is not an IP address", listen->host);
        yaml_errors_hint(errors, "write 127.0.0.1:%u", (unsigned)listen->port);
    } else if (!is_loopback(listen->host)) {
        yaml_errors_add(errors, YAML_WARNING, place_of(admin, "listen"),
            "admin.listen: whoever reaches '%s' can read the names of functions, nodes and links",
            listen->host);
        yaml_errors_hint(errors, "listen on 127.0.0.1, or let a firewall choose the readers");
    }
}
