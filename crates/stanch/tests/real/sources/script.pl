use strict;
use POSIX ();
use Data::Dumper;

my %lists = map { $_ => [1 .. $_] } 1 .. 50;
$Data::Dumper::Sortkeys = 1;
print length(Dumper(\%lists)), "\n";
$| = 1;
my $pid = fork;
if (!$pid) {
    print "child\n";
    exit 2;
}
waitpid($pid, 0);
print "status ", $? >> 8, "\n";
print `/bin/echo captured`;
print STDERR "text =~ s/x/y/: ", scalar("axbxc" =~ s/x/y/gr), "\n";
exit 5;
