#!/usr/bin/perl
# Net::SMPP as a peer; ../README.md has the protocol. The library is used in its asynchronous mode: requests return their
# sequence number, and what is read is matched here.
use strict;
use warnings;
use Encode ();
use IO::Select;
use JSON::PP ();
use Net::SMPP;
use Time::HiRes ();

$| = 1;
my $json = JSON::PP->new->utf8->canonical;
my %alphabet = (gsm => ['gsm0338', 0, 153], latin1 => ['iso-8859-1', 3, 134], ucs2 => ['UTF-16BE', 8, 134]);
my %kind_of = (1 => 'rx', 2 => 'tx', 9 => 'trx');
my $enquire_link = Net::SMPP::CMD_enquire_link();

my %pending;    # "fileno/sequence" => what to do with the response
my @timers;     # [time, action]

sub say_record { print $json->encode({@_}), "\n" }
sub number { defined $_[0] ? $_[0] + 0 : 0 }

sub described {
  my ($pdu) = @_;
  my $body = $pdu->{message_payload};
  $body = $pdu->{short_message} if !defined $body;
  my @more;
  push @more, receipted_message_id => $pdu->{receipted_message_id} =~ s/\0$//r if defined $pdu->{receipted_message_id};
  push @more, message_state => unpack('C', $pdu->{message_state}) if defined $pdu->{message_state};
  return (
    source => $pdu->{source_addr}, destination => $pdu->{destination_addr}, esm_class => number($pdu->{esm_class}),
    data_coding => number($pdu->{data_coding}), registered_delivery => number($pdu->{registered_delivery}),
    hex => unpack('H*', defined $body ? $body : ''), @more,
  );
}

sub addressed {
  my ($command) = @_;
  return (
    source_addr => $command->{source}, source_addr_ton => 1, source_addr_npi => 1,
    destination_addr => $command->{destination}, dest_addr_ton => 1, dest_addr_npi => 1,
    registered_delivery => number($command->{registered_delivery}),
  );
}

sub expect_response { # session, sequence, action
  my ($session, $sequence, $action) = @_;
  die "the library could not send\n" if !defined $sequence;
  $pending{fileno($session) . "/$sequence"} = $action;
}

sub answer_with_status { # session, sequence, call
  my ($session, $sequence, $call) = @_;
  expect_response($session, $sequence, sub { say_record(call => $call, status => $_[0]{status}) });
}

sub response_arrived {
  my ($session, $pdu) = @_;
  my $action = delete $pending{fileno($session) . "/$pdu->{seq}"};
  if ($action) { $action->($pdu) }
  else { say_record(event => 'unexpected', command => $pdu->{cmd}, status => $pdu->{status}) }
}

sub loop { # sockets, commands by name, action for readable sockets
  my ($sockets, $commands, $readable) = @_;
  my $input = '';
  $sockets->add(\*STDIN);
  while (1) {
    my $now = Time::HiRes::time();
    my @due = grep { $_->[0] <= $now } @timers;
    @timers = grep { $_->[0] > $now } @timers;
    $_->[1]->() for @due;
    my ($next) = sort { $a <=> $b } map { $_->[0] } @timers;
    my $wait = defined $next ? $next - $now : 10;
    for my $ready ($sockets->can_read($wait > 0 ? $wait : 0)) {
      if ($ready != \*STDIN) { $readable->($ready); next }
      return if !sysread(STDIN, $input, 65536, length $input);
      while ($input =~ s/^(.*)\n//) {
        my $command = $json->decode($1);
        eval { $commands->{$command->{do}}->($command); 1 }
          or say_record(call => $command->{call}, error => "$@");
      }
    }
  }
}

sub client {
  my ($host, $port) = @_;
  my $session = Net::SMPP->new_connect($host, port => $port, async => 1, smpp_version => 0x34, timeout => 10)
    or die "connect: $!\n";
  my $sockets = IO::Select->new($session);

  my $submit = sub {
    my ($fields, $action) = @_;
    expect_response($session, $session->submit_sm(@$fields), $action);
  };
  my %commands = (
    bind => sub {
      my ($command) = @_;
      my %method = (tx => 'bind_transmitter', rx => 'bind_receiver', trx => 'bind_transceiver');
      my $method = $method{$command->{kind}};
      my $sequence = $session->$method(
        system_id => $command->{system_id}, password => $command->{password},
        system_type => $command->{system_type} // '', interface_version => $command->{interface_version} // 0x34,
      );
      expect_response($session, $sequence,
        sub { say_record(call => $command->{call}, status => $_[0]{status}, system_id => $_[0]{system_id}) });
    },
    submit => sub {
      my ($command) = @_;
      my @fields = (addressed($command), esm_class => number($command->{esm_class}));
      my ($octets, $coding);
      if (defined $command->{hex}) {
        ($octets, $coding) = (pack('H*', $command->{hex}), number($command->{data_coding}));
      } else {
        my $alphabet = $alphabet{$command->{encoding}};
        ($octets, $coding) = (Encode::encode($alphabet->[0], $command->{text}), $alphabet->[1]);
      }
      push @fields, data_coding => $coding;
      push @fields, $command->{payload} ? (message_payload => $octets) : (short_message => $octets);
      $submit->(\@fields,
        sub { say_record(call => $command->{call}, status => $_[0]{status}, message_id => $_[0]{message_id}) });
    },
    # The library has no splitter.
    submit_long => sub {
      my ($command) = @_;
      my ($charset, $coding, $room) = @{$alphabet{$command->{encoding}}};
      my @parts = ('');
      for my $character (split //, $command->{text}) {
        my $octets = Encode::encode($charset, $character);
        push @parts, '' if length($parts[-1]) + length($octets) > $room;
        $parts[-1] .= $octets;
      }
      my (@ids, $bad);
      my $left = @parts;
      for my $number (1 .. @parts) {
        my @fields = (addressed($command), esm_class => 0x40, data_coding => $coding,
          short_message => pack('C6', 5, 0, 3, 0x4e, scalar @parts, $number) . $parts[$number - 1]);
        $submit->(\@fields, sub {
          $ids[$number - 1] = $_[0]{message_id};
          $bad ||= $_[0]{status};
          say_record(call => $command->{call}, status => $bad // 0, message_ids => \@ids) if !--$left;
        });
      }
    },
    data_sm => sub {
      my ($command) = @_;
      my $sequence = $session->data_sm(addressed($command), esm_class => 0, data_coding => number($command->{data_coding}),
        message_payload => pack('H*', $command->{hex}));
      expect_response($session, $sequence,
        sub { say_record(call => $command->{call}, status => $_[0]{status}, message_id => $_[0]{message_id}) });
    },
    query => sub {
      my ($command) = @_;
      my $sequence = $session->query_sm(message_id => $command->{message_id}, source_addr => $command->{source},
        source_addr_ton => 1, source_addr_npi => 1);
      expect_response($session, $sequence,
        sub { say_record(call => $command->{call}, status => $_[0]{status}, message_state => $_[0]{message_state}) });
    },
    enquire_link => sub { answer_with_status($session, $session->enquire_link(), $_[0]{call}) },
    unbind => sub { answer_with_status($session, $session->unbind(), $_[0]{call}) },
  );
  loop($sockets, \%commands, sub {
    my $pdu = $session->read_pdu();
    if (!$pdu) {
      $sockets->remove($session);
      $session->close();
      say_record(event => 'closed');
    } elsif ($pdu->{cmd} & 0x80000000) {
      response_arrived($session, $pdu);
    } elsif ($pdu->{cmd} == Net::SMPP::CMD_deliver_sm()) {
      say_record(event => 'deliver_sm', described($pdu));
      $session->deliver_sm_resp(seq => $pdu->{seq}, message_id => '');
    } elsif ($pdu->{cmd} == $enquire_link) {
      $session->enquire_link_resp(seq => $pdu->{seq});
    } elsif ($pdu->{cmd} == Net::SMPP::CMD_unbind()) {
      say_record(event => 'unbind');
      $session->unbind_resp(seq => $pdu->{seq});
    }
  });
}

sub server {
  my ($system_id, $password) = @_;
  my $listener = Net::SMPP->new_listen('127.0.0.1', port => 0, async => 1, smpp_version => 0x34) or die "listen: $!\n";
  my $sockets = IO::Select->new($listener);
  my @sessions;    # [socket, kind]
  my $last = 0;

  my $receiver = sub {
    my ($session) = grep { $_->[1] ne '' && $_->[1] ne 'tx' } reverse @sessions;
    die "no session that may receive\n" if !$session;
    return $session->[0];
  };
  my $receipt = sub {
    my ($session, $pdu, $id) = @_;
    my $text = "id:$id sub:001 dlvrd:001 submit date:2001010000 done date:2001010001 stat:DELIVRD err:000 text:";
    my $sequence = $session->deliver_sm(
      source_addr => $pdu->{destination_addr}, source_addr_ton => $pdu->{dest_addr_ton},
      source_addr_npi => $pdu->{dest_addr_npi}, destination_addr => $pdu->{source_addr}, esm_class => 4,
      short_message => $text, receipted_message_id => "$id\0", message_state => pack('C', 2),
    );
    expect_response($session, $sequence,
      sub { say_record(event => 'receipt_resp', status => $_[0]{status}, message_id => $id) });
  };
  my %commands = (
    deliver => sub {
      my ($command) = @_;
      my $session = $receiver->();
      my $sequence = $session->deliver_sm(addressed($command), esm_class => number($command->{esm_class}),
        data_coding => number($command->{data_coding}), short_message => pack('H*', $command->{hex}));
      answer_with_status($session, $sequence, $command->{call});
    },
    enquire_link => sub { my $one = $sessions[-1][0]; answer_with_status($one, $one->enquire_link(), $_[0]{call}) },
    unbind => sub { my $one = $sessions[-1][0]; answer_with_status($one, $one->unbind(), $_[0]{call}) },
  );
  say_record(event => 'listening', port => $listener->sockport + 0);
  loop($sockets, \%commands, sub {
    my ($socket) = @_;
    if ($socket == $listener) {
      my $accepted = $listener->accept() or return;
      $sockets->add($accepted);
      push @sessions, [$accepted, ''];
      return;
    }
    my ($session) = grep { $_->[0] == $socket } @sessions;
    my $pdu = $socket->read_pdu();
    if (!$pdu) {
      $sockets->remove($socket);
      @sessions = grep { $_->[0] != $socket } @sessions;
      $socket->close();
      say_record(event => 'closed');
      return;
    }
    my $command = $pdu->{cmd};
    if ($command & 0x80000000) {
      response_arrived($socket, $pdu);
    } elsif (my $kind = $kind_of{$command}) {
      my $right = $pdu->{system_id} eq $system_id && $pdu->{password} eq $password;
      my $status = $right ? 0 : 0x0e;
      my $method = {rx => 'bind_receiver_resp', tx => 'bind_transmitter_resp', trx => 'bind_transceiver_resp'}->{$kind};
      $session->[1] = $kind if $right;
      $socket->$method(seq => $pdu->{seq}, status => $status, system_id => 'net-smpp');
      say_record(event => 'bind', kind => $kind, system_id => $pdu->{system_id}, status => $status,
        interface_version => $pdu->{interface_version});
    } elsif ($command == Net::SMPP::CMD_submit_sm() || $command == Net::SMPP::CMD_data_sm()) {
      my $id = sprintf '%d', 4_000_000_000 + ++$last;
      my $is_submit = $command == Net::SMPP::CMD_submit_sm();
      say_record(event => $is_submit ? 'submit_sm' : 'data_sm', message_id => $id, described($pdu));
      my $method = $is_submit ? 'submit_sm_resp' : 'data_sm_resp';
      $socket->$method(seq => $pdu->{seq}, message_id => $id);
      if ((number($pdu->{registered_delivery}) & 3) == 1) {
        my $to = $session->[1] eq 'tx' ? $receiver->() : $socket;
        push @timers, [Time::HiRes::time() + 0.05, sub { $receipt->($to, $pdu, $id) }];
      }
    } elsif ($command == Net::SMPP::CMD_query_sm()) {
      $socket->query_sm_resp(seq => $pdu->{seq}, message_id => $pdu->{message_id}, message_state => 2);
    } elsif ($command == $enquire_link) {
      $socket->enquire_link_resp(seq => $pdu->{seq});
    } elsif ($command == Net::SMPP::CMD_unbind()) {
      say_record(event => 'unbind');
      $socket->unbind_resp(seq => $pdu->{seq});
    } else {
      $socket->generic_nack(seq => $pdu->{seq}, status => 3);
    }
  });
}

my ($role, @arguments) = @ARGV;
({client => \&client, server => \&server}->{$role} or die "usage: peer.pl client HOST PORT | server SYSTEM_ID PASSWORD\n")
  ->(@arguments);
